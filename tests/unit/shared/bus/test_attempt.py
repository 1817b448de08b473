"""How a worker answers the server after each delivery."""

from __future__ import annotations

import json

import pytest

from shared.bus.attempt import ACK, RETRY_SECONDS, TRIES_BEFORE_GIVEN_BACK, Attempt, delay_after
from shared.bus.errors import BusRefused, BusUnavailable, DeliveriesExhausted
from shared.eventstore.connection import StoreUnavailable
from shared.grpc.errors import Invalid, TimedOut, Unavailable

_MAX = 6


class Worked:
    """A handler and a burial, which fail when a test wants it."""

    def __init__(
        self, *, handler: Exception | None = None, burial: Exception | None = None, max_attempts: int = _MAX
    ) -> None:
        self.handled: list[tuple[bytes, int]] = []
        self.buried: list[tuple[bytes, int, Exception]] = []
        self._handler_error = handler
        self._burial_error = burial
        self.attempt = Attempt("test", self._handle, self._bury, max_attempts)

    async def _handle(self, payload: bytes, count: int) -> None:
        self.handled.append((payload, count))
        if self._handler_error:
            raise self._handler_error

    async def _bury(self, payload: bytes, count: int, error: Exception) -> None:
        self.buried.append((payload, count, error))
        if self._burial_error:
            raise self._burial_error


def _delay(answer: bytes) -> float:
    verb, _, options = answer.partition(b" ")
    assert verb == b"-NAK"
    return float(json.loads(options)["delay"]) / 1e9


async def test_done_is_acknowledged() -> None:
    worked = Worked()
    assert await worked.attempt.run(b"x", 2) == ACK
    assert (worked.handled, worked.buried) == ([(b"x", 2)], [])


@pytest.mark.parametrize("error", [OSError(), RuntimeError()])
async def test_a_failure_comes_again_after_a_growing_delay(error: Exception) -> None:
    worked = Worked(handler=error)
    delays = [_delay(await worked.attempt.run(b"x", count)) for count in (1, 2, 3)]
    for delay, scheduled in zip(delays, RETRY_SECONDS, strict=False):
        assert 0.75 * scheduled <= delay <= 1.25 * scheduled
    assert not worked.buried


@pytest.mark.parametrize(
    "error", [BusUnavailable("no answer"), Unavailable("away"), TimedOut("hangs"), StoreUnavailable("full"), OSError()]
)
async def test_what_is_unavailable_is_given_back_and_never_buried(error: Exception) -> None:
    """Before, the eighth failure made a dead letter of each message of each mail in progress."""
    worked = Worked(handler=error)
    answers = [await worked.attempt.run(b"x", count) for count in range(1, 2 * _MAX + 1)]
    assert all(answer.startswith(b"-NAK") for answer in answers[: TRIES_BEFORE_GIVEN_BACK - 1])
    assert set(answers[TRIES_BEFORE_GIVEN_BACK - 1 :]) == {ACK}
    assert worked.buried == []


@pytest.mark.parametrize("error", [Invalid("no such form"), BusRefused("too large")])
async def test_what_is_refused_becomes_a_dead_letter_at_once(error: Exception) -> None:
    worked = Worked(handler=error)
    assert await worked.attempt.run(b"x", 1) == ACK
    assert worked.buried == [(b"x", 1, error)]


async def test_the_last_unforeseen_failure_becomes_a_dead_letter_and_is_acknowledged() -> None:
    error = RuntimeError("last")
    worked = Worked(handler=error)
    assert _delay(await worked.attempt.run(b"x", _MAX - 1)) > 0
    assert await worked.attempt.run(b"x", _MAX) == ACK
    assert worked.buried == [(b"x", _MAX, error)]


async def test_what_cannot_be_buried_comes_again() -> None:
    worked = Worked(handler=RuntimeError(), burial=OSError())
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
    assert isinstance(worked.buried[0][2], DeliveriesExhausted)


async def test_few_attempts_do_not_bury_what_is_unavailable() -> None:
    worked = Worked(handler=Unavailable("away"), max_attempts=1)
    for count in range(1, TRIES_BEFORE_GIVEN_BACK + 1):
        await worked.attempt.run(b"x", count)
    assert worked.buried == []


async def test_no_answer_ever_terminates() -> None:
    failing = (Worked(handler=OSError()), Worked(handler=RuntimeError(), burial=OSError()))
    for worked in (Worked(), *failing):
        for count in range(1, 20):
            assert b"TERM" not in await worked.attempt.run(b"x", count)


def test_delays_stay_within_a_quarter_of_the_schedule() -> None:
    assert [delay_after(failures, (1.0, 4.0), lambda: 0.5) for failures in (1, 2, 3, 1000)] == [1.0, 4.0, 4.0, 4.0]
    assert [delay_after(1, (4.0,), chance) for chance in (lambda: 0.0, lambda: 1.0)] == [3.0, 5.0]
