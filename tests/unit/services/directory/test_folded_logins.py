"""Log-ins are combined before they become events."""

from __future__ import annotations

from services.directory.domain.folded_logins import FoldedLogin, FoldedLogins
from shared.events.directory import LoginRefused, LoginSucceeded

ANN = FoldedLogin("u1", "a1", "", "imap", "192.0.2.1")
WRONG = FoldedLogin("", "", "ann@example.org", "imap", "192.0.2.1", "bad-credentials")


def test_the_first_is_written_and_repeats_wait_an_hour() -> None:
    folded = FoldedLogins()
    folded.note(ANN)
    folded.note(ANN)
    assert list(folded.due(0)) == [(ANN, 2)]
    folded.note(ANN)
    assert list(folded.due(60)) == []
    folded.note(ANN)
    assert list(folded.due(3600)) == [(ANN, 2)]


def test_at_a_stop_everything_is_written() -> None:
    folded = FoldedLogins()
    folded.note(ANN)
    assert list(folded.due(0)) == [(ANN, 1)]
    folded.note(ANN)
    assert list(folded.due(1, everything=True)) == [(ANN, 1)]


def test_events_name_what_they_are_about() -> None:
    assert ANN.event(3) == LoginSucceeded("u1", "a1", "imap", 3)
    assert WRONG.event(2) == LoginRefused("ann@example.org", "imap", "192.0.2.1", "bad-credentials", 2)


def test_a_flood_of_names_is_folded_together() -> None:
    folded = FoldedLogins()
    for number in range(12_000):
        folded.note(FoldedLogin("", "", f"user{number}@example.org", "imap", "192.0.2.1", "bad-credentials"))
    due = list(folded.due(0))
    assert len(due) <= 1001
    assert sum(count for _, count in due) == 12_000


def test_what_is_remembered_of_a_flood_is_bounded() -> None:
    """Refusals at ever new addresses for half an hour, written every minute."""
    folded = FoldedLogins()
    for minute in range(30):
        for number in range(1000):
            folded.note(FoldedLogin("", "", "ann@example.org", "imap", f"2001:db8:{minute:x}::{number:x}", "too-many"))
        assert sum(count for _, count in folded.due(60 * minute)) == 1000
    assert len(folded._written) <= 20_000
    assert not folded._counts
