"""A flood of names and networks guesses: what is remembered of it is bounded, and it frees nobody."""

from __future__ import annotations

from services.directory.domain.guesses import Guess, guess
from services.directory.domain.lockouts import NOTED_AT_ONCE
from services.directory.domain.throttle import AttemptOutcome, Throttle, ThrottleDecision, ThrottleLimits

_FLOOD = 300_000
_MOST = 100_000
STRANGER = "198.51.100.1"


def test_a_flood_of_names_and_networks_takes_a_bounded_memory() -> None:
    throttle = Throttle(ThrottleLimits(10, 50, 600, 86_400, 5, 200))
    for number in range(10):
        _fail(throttle, guess("ann@example.org", STRANGER, number))
    for number in range(_FLOOD):
        address = f"2001:db8:{number >> 16:x}:{number & 65535:x}::1"
        _fail(throttle, guess(f"n{number}@example.org", address, number, "imap", is_name_known=number % 2 == 0))
    for names in throttle._names():
        assert len(names.tried) <= 2 * _MOST and len(names.accounts) <= 2 * _MOST
    assert len(throttle._networks) <= 2 * _MOST
    assert not throttle._running and not throttle._running_networks
    assert throttle.begin(guess("ann@example.org", STRANGER, 99), 1.0) is ThrottleDecision.REFUSE


def test_a_flood_of_lockouts_is_recorded_at_a_bounded_rate() -> None:
    throttle = Throttle(ThrottleLimits(1, 50, 600, 86_400, 5, 200))
    for number in range(25_000):
        _fail(throttle, guess(f"n{number}@example.org", f"2001:db8:0:{number:x}::1", number))
    assert len(throttle.lockouts) <= 20_000
    notes = throttle.lockouts.due(1.0)
    assert (len(notes.begun), notes.uncounted) == (NOTED_AT_ONCE, 25_000 - NOTED_AT_ONCE)
    assert len(notes.ended) <= NOTED_AT_ONCE


def _fail(throttle: Throttle, tried: Guess) -> None:
    if throttle.begin(tried, 0.0) is ThrottleDecision.GO:
        throttle.end(tried, AttemptOutcome.WRONG, 0.0)
