"""One delivery of a message to its handler, and what to answer the server: done, later, or buried as a dead letter."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import structlog

from shared.bus.errors import BusUnavailable, DeliveriesExhausted
from shared.bus.retry import RETRY_SECONDS, delay_after

log = structlog.get_logger("bus")

Handler = Callable[[bytes, int], Awaitable[None]]
"""Takes a payload and how often it was delivered (from 1). Returning means done; raising means again, later."""

Exhausted = Callable[[bytes, Exception], Awaitable[None]]
"""Takes a payload that failed too often and the last error; it commits a dead letter. Raising means again, later."""

ACK = b"+ACK"
_CRASHES_ALLOWED = 2
"""A message delivered so many times `max_attempts` never came to an end: it ends its process, and is not tried again.
"""


class Attempt:
    """Runs a handler. Never `+TERM`: a message ends as done or as a dead letter."""

    def __init__(self, consumer: str, handler: Handler, exhausted: Exhausted, max_attempts: int) -> None:
        self._consumer = consumer
        self._handler = handler
        self._exhausted = exhausted
        self._max_attempts = max_attempts

    async def run(self, payload: bytes, count: int) -> bytes:
        """The answer to the server."""
        if count > self._max_attempts * _CRASHES_ALLOWED:
            return await self._bury(payload, count, DeliveriesExhausted(f"delivered {count} times"))
        try:
            await self._handler(payload, count)
        except Exception as error:
            return await self._failed(payload, count, error)
        return ACK

    async def _failed(self, payload: bytes, count: int, error: Exception) -> bytes:
        trace = error if count == 1 else None
        log.warning("bus.handler_failed", consumer=self._consumer, attempt=count, error=repr(error), exc_info=trace)
        if count >= self._max_attempts and not isinstance(
            error, BusUnavailable
        ):  # the bus's own fault makes no dead letter
            return await self._bury(payload, count, error)
        return _later(count)

    async def _bury(self, payload: bytes, count: int, error: Exception) -> bytes:
        try:
            await self._exhausted(payload, error)
        except Exception as failure:
            log.error("bus.dead_letter_failed", consumer=self._consumer, attempt=count, exc_info=failure)
            return _later(count)
        log.error("bus.dead_letter", consumer=self._consumer, attempts=count, error=repr(error))
        return ACK


def _later(count: int) -> bytes:
    """A negative acknowledgement that asks for the message after a delay (nanoseconds)."""
    delay = delay_after(count, RETRY_SECONDS, random.random)
    return b'-NAK {"delay": %d}' % int(delay * 1_000_000_000)
