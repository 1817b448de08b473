"""The counters of smtp-sink are read however the output is divided."""

from __future__ import annotations

from loadtest.sending.measure import signatures_of
from loadtest.sending.sink import Counter

OUTPUT = b"sess=1 quit=0 mesg=0\rsess=1 quit=0 mesg=9\rsess=1 quit=0 mesg=10\rsess=1 quit=1 mesg=10\r"


def test_whole_output_gives_the_last_count() -> None:
    counter = Counter()
    counter.feed(OUTPUT, 5.0)
    assert (counter.mails, counter.at) == (10, 5.0)


def test_octet_by_octet_no_number_is_read_half() -> None:
    counter, counts = Counter(), []
    for at in range(len(OUTPUT)):
        counter.feed(OUTPUT[at : at + 1], float(at))
        counts.append(counter.mails)
    assert sorted(set(counts)) == [0, 9, 10]
    assert counter.at == OUTPUT.index(b"mesg=10\r") + len(b"mesg=10")


def test_the_time_is_that_of_the_last_mail_and_not_of_the_end_of_a_session() -> None:
    counter = Counter()
    counter.feed(b"sess=1 quit=0 mesg=2\r", 1.0)
    counter.feed(b"sess=1 quit=1 mesg=2\r", 2.0)
    assert (counter.mails, counter.at) == (2, 1.0)


def test_signatures_are_counted_in_the_header_only() -> None:
    header = b"X-Mail-Args: <a@b>\nDKIM-Signature: v=1;\n b=DKIM-Signature:\ndkim-signature: v=1\nSubject: x"
    assert signatures_of(header + b"\n\nDKIM-Signature: v=1\n") == 2
    assert signatures_of(b"Subject: x\n\nbody\n") == 0
