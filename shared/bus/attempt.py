"""One delivery of a message to its handler, and the answer to the server: done, later, or a dead letter.

When something is unavailable, the message is tried a few times within seconds. Then it is acknowledged, and the ingress
repeats its mail for days with growing pauses. If such messages waited here, they would use up the unacknowledged
deliveries that the server allows, and other mails would be blocked.
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
"""Takes a payload and the number of its deliveries (from 1). When it returns, the work is done; when it raises, the
message is delivered again later."""

Bury = Callable[[bytes, int, Exception], Awaitable[None]]
"""Takes a payload that cannot be processed, the number of tries, and the last error, and commits a dead letter. When it
raises, the message is delivered again later."""

ACK = b"+ACK"
TRIES_BEFORE_GIVEN_BACK = 4
"""Tries that bridge the restart of a process, some four seconds. Longer outages are left to the ingress."""
_QUIET_SECONDS = 10.0
_CRASHES_ALLOWED = 2
"""Deliveries, beyond those that any failure allows, after which a message is no longer tried: it probably ends its
process each time."""
RETRY_SECONDS = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Seconds before the second, third, … delivery of a message whose handler failed; the last value repeats."""


class Attempt:
    """Runs a handler.

    It never answers `+TERM`: a message ends as done, as left to the repeats of the ingress, or as a dead letter.
    """

    def __init__(self, consumer: str, handler: Handler, bury: Bury, max_attempts: int) -> None:
        self._consumer = consumer
        self._handler = handler
        self._bury_payload = bury
        self._max_attempts = max_attempts
        self._unavailable = 0
        self._quiet_until = 0.0
        self._most_deliveries = _CRASHES_ALLOWED * max(max_attempts, TRIES_BEFORE_GIVEN_BACK)

    async def run(self, payload: bytes, count: int) -> bytes:
        """Run the handler; returns the answer to the server."""
        if count > self._most_deliveries:
            return await self._bury(payload, count, DeliveriesExhausted(f"delivered {count} times"))
        try:
            await self._handler(payload, count)
        except Exception as error:
            return await self._handle_failure(payload, count, error)
        return ACK

    async def _handle_failure(self, payload: bytes, count: int, error: Exception) -> bytes:
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
        """Log one line for many mails that fail again and again for the same outage."""
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
    """A negative acknowledgement that asks for the message again after a delay."""
    delay = delay_after(count, RETRY_SECONDS, random.random)
    return b'-NAK {"delay": %d}' % int(delay * 1_000_000_000)


def delay_after(failures: int, schedule: tuple[float, ...], chance: Callable[[], float]) -> float:
    """Seconds to wait after a number of failures (from 1).

    It is between 75 % and 125 % of the value in the schedule, by `chance` (0 to 1).
    """
    return schedule[min(failures, len(schedule)) - 1] * (0.75 + chance() / 2)
