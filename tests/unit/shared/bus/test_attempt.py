"""What a worker answers to the server."""

from __future__ import annotations

import json

from shared.bus.attempt import ACK, Attempt
from shared.bus.errors import BusUnavailable, DeliveriesExhausted
from shared.bus.retry import RETRY_SECONDS, delay_after

_MAX = 3


class Worked:
    """A handler and an undertaker that fail when told to."""

    def __init__(self, *, handler: Exception | None = None, exhausted: Exception | None = None) -> None:
        self.handled: list[tuple[bytes, int]] = []
        self.buried: list[tuple[bytes, Exception]] = []
        self._handler_error = handler
        self._exhausted_error = exhausted
        self.attempt = Attempt("test", self._handle, self._bury, _MAX)

    async def _handle(self, payload: bytes, count: int) -> None:
        self.handled.append((payload, count))
        if self._handler_error:
            raise self._handler_error

    async def _bury(self, payload: bytes, error: Exception) -> None:
        self.buried.append((payload, error))
        if self._exhausted_error:
            raise self._exhausted_error


def _delay(answer: bytes) -> float:
    verb, _, options = answer.partition(b" ")
    assert verb == b"-NAK"
    return float(json.loads(options)["delay"]) / 1e9


async def test_done_is_acknowledged() -> None:
    worked = Worked()
    assert await worked.attempt.run(b"x", 2) == ACK
    assert (worked.handled, worked.buried) == ([(b"x", 2)], [])


async def test_a_failure_comes_again_after_a_growing_delay() -> None:
    worked = Worked(handler=OSError())
    delays = [_delay(await worked.attempt.run(b"x", count)) for count in (1, 2)]
    for delay, scheduled in zip(delays, RETRY_SECONDS, strict=False):
        assert 0.75 * scheduled <= delay <= 1.25 * scheduled
    assert not worked.buried


async def test_the_last_failure_becomes_a_dead_letter_and_is_acknowledged() -> None:
    error = OSError("last")
    worked = Worked(handler=error)
    assert await worked.attempt.run(b"x", _MAX) == ACK
    assert worked.buried == [(b"x", error)]


async def test_a_bus_that_does_not_take_the_next_step_is_waited_for() -> None:
    worked = Worked(handler=BusUnavailable("no answer"))
    assert _delay(await worked.attempt.run(b"x", _MAX)) > 0
    assert worked.buried == []


async def test_what_cannot_be_buried_comes_again() -> None:
    worked = Worked(handler=OSError(), exhausted=OSError())
    assert _delay(await worked.attempt.run(b"x", _MAX)) > 0
    assert worked.buried


async def test_after_a_long_outage_the_handler_is_tried_before_the_burial() -> None:
    worked = Worked()
    assert await worked.attempt.run(b"x", _MAX + 1) == ACK
    assert worked.handled and not worked.buried


async def test_what_never_came_to_an_end_is_not_tried_again() -> None:
    worked = Worked()
    assert await worked.attempt.run(b"x", 2 * _MAX + 1) == ACK
    assert not worked.handled
    assert isinstance(worked.buried[0][1], DeliveriesExhausted)


async def test_no_answer_ever_terminates() -> None:
    for worked in (Worked(), Worked(handler=OSError()), Worked(handler=OSError(), exhausted=OSError())):
        for count in range(1, 10):
            assert b"TERM" not in await worked.attempt.run(b"x", count)


def test_delays_stay_within_a_quarter_of_the_schedule() -> None:
    assert [delay_after(failures, (1.0, 4.0), lambda: 0.5) for failures in (1, 2, 3, 1000)] == [1.0, 4.0, 4.0, 4.0]
    assert [delay_after(1, (4.0,), chance) for chance in (lambda: 0.0, lambda: 1.0)] == [3.0, 5.0]
