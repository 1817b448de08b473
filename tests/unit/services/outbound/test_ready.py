"""Which mail is sent next: hops take turns, and senders within a hop."""

from __future__ import annotations

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import NextHop
from services.outbound.domain.ready import HopLimits, ReadyMail, ReadyMails, note_failure
from shared.events.outbound import OutboundQueued


def hop(key: str) -> NextHop:
    return NextHop(key, f"mx {key}", key, ())


def mail(number: int, sender: str = "ann@example.org") -> ReadyMail:
    queued = OutboundQueued(f"e{number}", f"q{number}", "b@far.example", 0, "", b"", 7, sender, "b@far.example")
    return ReadyMail(f"q{number}", "far.example", sender, (QueueEntry(queued, 1, 1, 1),))


def taken(ready: ReadyMails, now: float = 0.0) -> list[str]:
    ids = []
    while (pair := ready.take(now)) is not None:
        ids.append(pair[1].queue_id)
        pair[0].in_flight -= 1
    return ids


def test_hops_take_turns_and_so_do_senders() -> None:
    ready = ReadyMails()
    near, far = ready.hop(hop("near"), HopLimits()), ready.hop(hop("far"), HopLimits())
    for number in (1, 2, 3):
        ready.put(near, mail(number, "bulk@example.org"))
    ready.put(near, mail(4))
    ready.put(far, mail(5))
    assert taken(ready) == ["q1", "q5", "q4", "q2", "q3"]


def test_a_failed_hop_is_tested_by_one_mail_after_its_pause() -> None:
    ready = ReadyMails()
    state = ready.hop(hop("far"), HopLimits())
    note_failure(state, until=10.0)
    for number in (1, 2):
        ready.put(state, mail(number))
    assert ready.take(9.0) is None
    assert ready.take(10.0) is not None
    assert ready.take(10.0) is None


def test_a_hop_is_forgotten_only_when_nothing_names_it() -> None:
    ready = ReadyMails(remembered=1)
    first = ready.hop(hop("first"), HopLimits())
    ready.put(first, mail(1))
    assert [dropped.queue_id for dropped in first.drop()] == ["q1"]
    second = ready.hop(hop("second"), HopLimits())
    ready.put(second, mail(2))
    assert taken(ready) == ["q2"]
    assert ready.next_time(0.0) is None


def test_a_rate_spaces_the_mails_of_a_hop() -> None:
    ready = ReadyMails()
    state = ready.hop(hop("relay"), HopLimits(per_minute=30))
    for number in (1, 2):
        ready.put(state, mail(number))
    assert taken(ready, 5.0) == ["q1"]
    assert ready.next_time(5.0) == 7.0
    assert taken(ready, 7.0) == ["q2"]
