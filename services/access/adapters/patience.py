"""Repeats calls while a service is being started again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.clock import Clock
from shared.grpc.errors import ServiceError, TimedOut, Unavailable

Q = TypeVar("Q")
R = TypeVar("R")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


class Patience:
    """Repeats questions, and writes with a command id; other refusals are raised at once."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    async def call(self, method: Callable[[Q], Awaitable[R]], request: Q) -> R:
        """The reply. Raises ServiceError: Unavailable or TimedOut only after `seconds`."""
        try:
            return await method(request)
        except (Unavailable, TimedOut) as error:
            return await self._again(method, request, error)

    async def _again(self, method: Callable[[Q], Awaitable[R]], request: Q, error: ServiceError) -> R:
        end, pause = self.end(), _FIRST_PAUSE
        while self._clock.monotonic() < end:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                return await method(request)
            except (Unavailable, TimedOut) as again:
                error = again
        raise error

    def end(self) -> float:
        """The time on the monotonic clock until which a call that begins now is repeated."""
        return self._clock.monotonic() + self._seconds

    def over(self, end: float) -> bool:
        """Whether that time is over."""
        return self._clock.monotonic() >= end
