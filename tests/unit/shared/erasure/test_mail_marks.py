"""The marks of mails are found by any of their names."""

from __future__ import annotations

from shared.erasure.mail_marks import MailMarks, Mark, hash_of


def test_the_highest_mark_counts() -> None:
    marks = MailMarks(whole=map(hash_of, ("q1", "q2")), part=map(hash_of, ("q3",)))
    assert [marks.of(*names) for names in (("q1",), ("", "q2"), ("q3", "q1"), ("q3", ""), ("q4",), ("", ""), ())] == [
        Mark.WHOLE,
        Mark.WHOLE,
        Mark.WHOLE,
        Mark.PART,
        Mark.NONE,
        Mark.NONE,
        Mark.NONE,
    ]


def test_many_mails_take_eight_octets_each() -> None:
    marks = MailMarks(whole=(hash_of(f"q{number}") for number in range(20_000)))
    assert all(marks.of(f"q{number}") is Mark.WHOLE for number in range(0, 20_000, 97))
    assert not any(marks.of(f"r{number}") for number in range(0, 20_000, 97))
