"""One delivery of a message to its handler, and the answer to the server: done, later, or buried as a dead letter.

What is unavailable is tried a few times within seconds. Then the message is acknowledged: its mail is given back to the
ingress, which repeats it for days with growing pauses. Messages that wait here would use up the deliveries that the
server allows at once, and the mails behind them could not pass.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.bus.errors import DeliveriesExhausted
from shared.failures import Failure, failure_of

log = structlog.get_logger("bus")

Handler = Callable[[bytes, int], Awaitable[None]]
"""Takes a payload and how often it was delivered (from 1). Returning means done; raising means again, later."""

Bury = Callable[[bytes, int, Exception], Awaitable[None]]
"""Takes a payload that cannot be done, how often it was tried, and the last error; it commits a dead letter. Raising
means again, later.
"""

ACK = b"+ACK"
TRIES_BEFORE_GIVEN_BACK = 4
"""Bridges the restart of a process, some four seconds; what is away for longer is left to the ingress."""
_QUIET_SECONDS = 10.0
_CRASHES_ALLOWED = 2
"""A message delivered more than so many times as often as any failure allows never came to an end: it ends its process,
and is not tried again.
"""
RETRY_SECONDS = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Delay before the second, third, … delivery of a message whose handler failed; the last one repeats."""


class Attempt:
    """Runs a handler. Never `+TERM`: a message ends as done, as given back, or as a dead letter."""

    def __init__(self, consumer: str, handler: Handler, bury: Bury, max_attempts: int) -> None:
        self._consumer = consumer
        self._handler = handler
        self._bury_payload = bury
        self._max_attempts = max_attempts
        self._unavailable = 0
        self._quiet_until = 0.0
        self._most_deliveries = _CRASHES_ALLOWED * max(max_attempts, TRIES_BEFORE_GIVEN_BACK)

    async def run(self, payload: bytes, count: int) -> bytes:
        """The answer to the server."""
        if count > self._most_deliveries:
            return await self._bury(payload, count, DeliveriesExhausted(f"delivered {count} times"))
        try:
            await self._handler(payload, count)
        except Exception as error:
            return await self._failed(payload, count, error)
        return ACK

    async def _failed(self, payload: bytes, count: int, error: Exception) -> bytes:
        failure = failure_of(error)
        if failure is Failure.UNAVAILABLE:
            self._note_absence(error)
            return _later(count) if count < TRIES_BEFORE_GIVEN_BACK else ACK
        trace = error if count == 1 else None
        log.warning("bus.handler_failed", consumer=self._consumer, attempt=count, error=repr(error), exc_info=trace)
        if failure is Failure.REFUSED or count >= self._max_attempts:
            return await self._bury(payload, count, error)
        return _later(count)

    def _note_absence(self, error: Exception) -> None:
        """One line for many mails that meet the same absence, each of them again and again."""
        self._unavailable += 1
        if time.monotonic() >= self._quiet_until:
            log.warning("bus.work_waits", consumer=self._consumer, failures=self._unavailable, error=repr(error))
            self._unavailable, self._quiet_until = 0, time.monotonic() + _QUIET_SECONDS

    async def _bury(self, payload: bytes, count: int, error: Exception) -> bytes:
        try:
            await self._bury_payload(payload, count, error)
        except Exception as failure:
            log.error("bus.dead_letter_failed", consumer=self._consumer, attempt=count, exc_info=failure)
            return _later(count)
        log.error("bus.dead_letter", consumer=self._consumer, attempts=count, error=repr(error))
        return ACK


def _later(count: int) -> bytes:
    """A negative acknowledgement that asks for the message after a delay (nanoseconds)."""
    delay = delay_after(count, RETRY_SECONDS, random.random)
    return b'-NAK {"delay": %d}' % int(delay * 1_000_000_000)


def delay_after(failures: int, schedule: tuple[float, ...], chance: Callable[[], float]) -> float:
    """Seconds to wait after so many failures (from 1): the schedule's value, between 75 % and 125 % of it by `chance`
    (0 to 1).
    """
    return schedule[min(failures, len(schedule)) - 1] * (0.75 + chance() / 2)
