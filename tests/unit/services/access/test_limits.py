"""Admission and the slowing down of guesses."""

from __future__ import annotations

from services.access.session.admission import Admission
from services.access.session.guard import LoginGuard
from services.access.settings import AccessSettings
from shared.clock import FixedClock


def test_sessions_are_counted_by_account() -> None:
    admission = Admission(AccessSettings(max_connections_per_account=1))
    assert admission.admit_account("ann")
    assert not admission.admit_account("ann")
    assert admission.admit_account("bob")
    admission.release_account("ann")
    assert admission.sessions == 1


def test_each_refusal_takes_twice_as_long_up_to_a_limit() -> None:
    guard = LoginGuard(FixedClock(), 0.5, 3.0)
    assert [guard.refused("x") for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert guard.refused("y") == 0.5


def test_a_log_in_and_time_wipe_the_slate() -> None:
    clock = FixedClock()
    guard = LoginGuard(clock, 0.5, 8.0)
    guard.refused("x")
    guard.accepted("x")
    assert guard.refused("x") == 0.5
    clock.advance(601)
    assert guard.refused("x") == 0.5


def test_the_guard_forgets_when_it_knows_too_many() -> None:
    guard = LoginGuard(FixedClock(), 0.5, 8.0)
    for number in range(20_000):
        guard.refused(str(number))
    assert guard.refused("0") == 0.5
    assert guard.refused("19999") == 1.0
