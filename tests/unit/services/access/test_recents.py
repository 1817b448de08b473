"""\\Recent: each message belongs to the first session that is notified of it."""

from __future__ import annotations

from services.access.session.recents import Recents
from tests.unit.services.access.test_selected import changes, reported_expunges, take, view


def test_what_nobody_selected_is_recent() -> None:
    recents = Recents(10)
    assert recents.count("m", uid_next=8, messages=3) == 3
    recents.claim("m", 8)
    assert recents.count("m", uid_next=8, messages=3) == 0
    assert recents.count("m", uid_next=10, messages=5) == 2


def test_the_number_of_mailboxes_is_bounded() -> None:
    """The mailbox that was not selected for longest is forgotten: its messages are recent again (RFC 3501 §2.3.2)."""
    recents = Recents(2)
    recents.claim("a", 5)
    recents.claim("b", 5)
    assert recents.first("a") == 5
    recents.claim("c", 5)
    assert [recents.first(mailbox) for mailbox in "abc"] == [5, 1, 5]


def test_the_first_session_gets_them() -> None:
    recents = Recents(10)
    first, second = view((3, 6), recents=recents), view((3, 6), recents=recents)
    assert (first.recent_count, second.recent_count) == (4, 0)
    take(second, changes(11, added=(7,)))
    take(first, changes(11, added=(7,)))
    assert (first.recent_count, second.recent_count) == (4, 1)
    assert second.report_recent() == b"* 1 RECENT\r\n"
    assert first.report_recent() == second.report_recent() == b""
    assert second.shown_flags(7, ["\\Seen"]) == ("\\Seen", "\\Recent")
    assert first.shown_flags(7, ["\\Seen"]) == ("\\Seen",)


def test_examine_takes_nothing_away() -> None:
    recents = Recents(10)
    looking = view((1, 2), recents=recents, read_only=True)
    take(looking, changes(11, added=(3,)))
    assert looking.recent_count == 3
    assert view((1, 3), recents=recents).recent_count == 3


def test_an_expunge_takes_recent_messages_along() -> None:
    selected = view((1, 3))
    take(selected, changes(11, vanished=(2,)))
    reported_expunges(selected, vanished=False)
    assert selected.report_recent() == b"* 2 RECENT\r\n"
