"""Attempts wait for other attempts of their client: many at once, and clients that leave."""

from __future__ import annotations

import asyncio

import pytest

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.guesses import Guess, guess
from services.directory.domain.throttle import AttemptOutcome, Throttle, ThrottleLimits
from services.directory.handlers.log_in_line import LogInLine
from shared.clock import FixedClock

NETWORK = "192.0.2.1"


def made(longest: int = 1000) -> LogInLine:
    return LogInLine(Throttle(ThrottleLimits(10, 50, 600, 1000, 5)), FixedClock(), longest)


async def attempt(line: LogInLine, tried: Guess, outcome: AttemptOutcome) -> bool:
    """An attempt that is checked for two turns of the event loop; returns whether it was checked."""
    if not await line.begin(tried):
        return False
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    line.end(tried, outcome)
    return True


async def test_of_150_wrong_passwords_in_parallel_ten_are_checked() -> None:
    line = made()
    tried = [guess("ann", NETWORK, number) for number in range(150)]
    heard = await asyncio.gather(*(attempt(line, entry, AttemptOutcome.WRONG) for entry in tried))
    assert sum(heard) == 10
    assert not line._waiting


async def test_150_right_ones_are_all_let_in() -> None:
    line = made()
    right = guess("ann", NETWORK, 1)
    assert all(await asyncio.gather(*(attempt(line, right, AttemptOutcome.RIGHT) for _ in range(150))))
    assert not line._waiting


async def test_those_behind_a_refused_one_are_not_forgotten() -> None:
    """Attempts at two accounts wait, and one of the accounts is being guessed at."""
    line = made()
    wrong = [attempt(line, guess("ann", NETWORK, number), AttemptOutcome.WRONG) for number in range(40)]
    right = [attempt(line, guess("bob", NETWORK, 1), AttemptOutcome.RIGHT) for _ in range(40)]
    heard = await asyncio.gather(*(item for pair in zip(wrong, right, strict=True) for item in pair))
    assert (sum(heard[::2]), sum(heard[1::2])) == (10, 40)
    assert not line._waiting


async def test_a_client_that_leaves_the_line_delays_nobody() -> None:
    line = made()
    running = [guess("ann", NETWORK, number) for number in range(10)]
    for tried in running:
        assert await line.begin(tried)
    waiting = [asyncio.create_task(attempt(line, guess("ann", NETWORK, 99), AttemptOutcome.RIGHT)) for _ in range(10)]
    await asyncio.sleep(0)
    line.end(running[0], AttemptOutcome.VOID)
    for task in waiting[:9]:  # the first of them was called, but has already left
        task.cancel()
    for tried in running[1:]:
        line.end(tried, AttemptOutcome.VOID)
    assert await waiting[9]
    assert not line._waiting


async def test_a_line_is_bounded() -> None:
    line = made(longest=5)
    for number in range(10):
        assert await line.begin(guess("ann", NETWORK, number))
    waiting = [asyncio.create_task(line.begin(guess("ann", NETWORK, 99))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting):
        await line.begin(guess("ann", NETWORK, 99))
    assert await line.begin(guess("ann", "198.51.100.1", 99))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
