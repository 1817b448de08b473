"""The line in front of the passwords: which attempts are looked at now, which wait, which are refused."""

from __future__ import annotations

import asyncio
from collections import deque

from services.directory.adapters.passwords import TooManyWaiting
from services.directory.domain.throttle import AttemptOutcome, Guess, Throttle, ThrottleDecision
from shared.clock import Clock


class LogInLine:
    """An attempt waits while others of its network might use up its tries: for milliseconds, in the order of
    arrival."""

    def __init__(self, throttle: Throttle, clock: Clock, longest: int) -> None:
        """`longest`: attempts of one network that may wait."""
        self._throttle = throttle
        self._clock = clock
        self._longest = longest
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def begin(self, guess: Guess) -> bool:
        """True: the password may be looked at, and `end` must follow. False: it is refused. Raises TooManyWaiting."""
        while (verdict := self._throttle.begin(guess, self._clock.monotonic())) is ThrottleDecision.WAIT:
            await self._wait(guess.network)
        if verdict is ThrottleDecision.REFUSE:
            self._wake(guess.network)  # the next one may be of another account
        return verdict is ThrottleDecision.GO

    def end(self, guess: Guess, outcome: AttemptOutcome) -> None:
        """An attempt has ended."""
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
                self._wake(network)  # woken, and gone before it could use its turn
            raise

    def _wake(self, network: str) -> None:
        """Let the next one of a network ask again."""
        line = self._waiting.get(network)
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if line is not None and not line:
            del self._waiting[network]
