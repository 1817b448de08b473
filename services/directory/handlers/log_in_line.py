"""The queue before password checks: which attempts are checked now, which wait, and which are refused."""

from __future__ import annotations

import asyncio
from collections import deque

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.guesses import Guess
from services.directory.domain.throttle import AttemptOutcome, Throttle, ThrottleDecision
from shared.clock import Clock


class LogInLine:
    """Lets an attempt wait while running attempts of its network might use up the limit.

    It waits for milliseconds, and attempts are served in the order of their arrival.
    """

    def __init__(self, throttle: Throttle, clock: Clock, longest: int) -> None:
        """`longest` is the number of attempts of one network that may wait."""
        self._throttle = throttle
        self._clock = clock
        self._longest = longest
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def begin(self, guess: Guess) -> bool:
        """Whether the password may be checked; after True, `end` must follow. Raises TooManyWaiting."""
        while (verdict := self._throttle.begin(guess, self._clock.monotonic())) is ThrottleDecision.WAIT:
            await self._wait(guess.network)
        if verdict is ThrottleDecision.REFUSE:
            self._wake(guess.network)  # the next one may be for another account
        return verdict is ThrottleDecision.GO

    def end(self, guess: Guess, outcome: AttemptOutcome) -> None:
        """Note the end of an attempt."""
        self._throttle.end(guess, outcome, self._clock.monotonic())
        self._wake(guess.network)

    async def _wait(self, network: str) -> None:
        line = self._waiting.setdefault(network, deque())
        if len(line) >= self._longest:
            raise TooManyWaiting
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake(network)  # it was woken, but was cancelled before it could use its turn
            raise

    def _wake(self, network: str) -> None:
        """Let the next waiting attempt of a network ask again."""
        line = self._waiting.get(network)
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if line is not None and not line:
            del self._waiting[network]
