"""The count of mail that left excuses a repeat only by a kill between the first reply and our commit of it."""

from __future__ import annotations

import pytest

from tests.chaos.ledger import Ledger
from tests.chaos.mails import RenderedMail, digest_of, message
from tests.chaos.outside import Commits, outside_faults
from tests.chaos.victims import Strike
from tests.parts.remote_server import TakenMail

FAR, TOKEN, TEXT = "friend1@elsewhere.example", "7.00001", b"some text\r\n"
MAIL = RenderedMail(
    TOKEN, "ann@chaos.test", (FAR,), frozenset(), (FAR,), message(TOKEN, "ann@chaos.test", TEXT), digest_of(TEXT)
)
ONCE: Commits = {("q1", FAR): [130.0]}
KILL = Strike("core", 110.0, 110.0)


def _arrivals(*times: float, data: bytes = MAIL.data) -> list[TakenMail]:
    return [TakenMail("MAIL FROM:<ann@chaos.test>", [f"RCPT TO:<{FAR}>"], data, at=at) for at in times]


def _faults(mails: list[TakenMail], commits: Commits, *strikes: Strike) -> list[str]:
    return [fault.partition(":")[0] for fault in outside_faults(Ledger({TOKEN: (MAIL, "q1")}), mails, commits, strikes)]


def test_a_mail_that_arrived_once_and_was_committed_once_is_right() -> None:
    assert _faults(_arrivals(130.0), ONCE) == []


def test_a_repeat_is_excused_by_a_kill_before_the_commit_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert _faults(_arrivals(109.9, 130.0), ONCE, Strike("core", 5.0, 5.0), KILL) == []
    assert "twice outside: 7.00001: core was killed 0.100 s after the first 250" in capsys.readouterr().out


def test_a_server_that_ends_slowly_is_killed_until_it_has_ended() -> None:
    assert _faults(_arrivals(112.0, 130.0), ONCE, Strike("launcher", 110.0, 113.0)) == []
    assert _faults(_arrivals(113.9, 130.0), ONCE, Strike("launcher", 110.0, 113.0)) == [], "it is read late"
    assert _faults(_arrivals(114.1, 130.0), ONCE, Strike("launcher", 110.0, 113.0)) == ["doubled outside"]


@pytest.mark.parametrize("strikes", [(), (Strike("core", 90.0, 90.0),), (Strike("core", 131.0, 131.0),)])
def test_a_repeat_without_a_kill_between_both_is_a_fault(strikes: tuple[Strike, ...]) -> None:
    assert _faults(_arrivals(100.0, 130.0), ONCE, *strikes) == ["doubled outside"]


def test_a_repeat_after_the_commit_is_a_fault_in_spite_of_a_kill() -> None:
    assert _faults(_arrivals(100.0, 130.0), {("q1", FAR): [100.01]}, KILL) == ["doubled outside"]


def test_each_of_several_repeats_needs_a_kill_of_its_own() -> None:
    assert _faults(_arrivals(109.0, 120.0, 130.0), ONCE, KILL) == ["doubled outside"]


def test_what_never_left_or_was_not_committed_or_changed_is_a_fault() -> None:
    assert _faults([], {}) == ["never left", "committed 0 times"]
    assert _faults(_arrivals(130.0), {("q1", FAR): [100.0, 130.0]}) == ["committed 2 times"]
    assert _faults(_arrivals(130.0, data=MAIL.data + b"more\r\n"), ONCE) == ["torn outside"]


def test_a_mail_that_nobody_sent_is_a_fault() -> None:
    stranger = _arrivals(130.0, data=message("7.99999", "ann@chaos.test", TEXT))
    assert _faults([*_arrivals(130.0), *stranger], ONCE) == ["nobody sent"]
