"""Background tasks: a turn that fails is tried again, and the health report says when the task last did something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from shared import background
from shared.background import BackgroundTask, begin, running, spawn, woken_within


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(background, "monotonic", made.monotonic)
    monkeypatch.setattr(background, "FIRST_PAUSE", 0.0)
    return made


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_turn_that_raises_is_logged_counted_and_tried_again(clock: Clock, logged: list[Any]) -> None:
    outcomes: list[Exception | None] = [ValueError("one"), ValueError("two"), None]

    async def turn() -> None:
        if outcomes and (outcome := outcomes.pop(0)) is not None:
            raise outcome
        await asyncio.sleep(0)

    task = BackgroundTask("ingress", "sweep", turn)
    task.start()
    await until(lambda: task.turns > 0)
    await task.stop()
    assert [(line["event"], line["service"], line["task"], line["failures"]) for line in logged] == [
        ("background.failed", "ingress", "sweep", 1),
        ("background.failed", "ingress", "sweep", 2),
    ]
    assert (task.failures, task.last_error) == (0, "")


async def test_what_is_only_away_is_logged_once(clock: Clock, logged: list[Any]) -> None:
    calls = 0

    async def turn() -> None:
        nonlocal calls
        calls += 1
        raise ConnectionError("away")

    task = BackgroundTask("ingress", "sweep", turn, not_now=(ConnectionError,))
    task.start()
    await until(lambda: calls > 3)
    await task.stop()
    assert [(line["event"], line["log_level"]) for line in logged] == [("background.waits", "warning")]


async def test_a_task_that_does_nothing_is_not_well(clock: Clock) -> None:
    task = BackgroundTask("ingress", "sweep", asyncio.Event().wait, longest=60.0)  # type: ignore[arg-type]
    task.start()
    await asyncio.sleep(0)
    assert task.trouble() == ""
    clock.now += 61
    assert "sweep has done nothing since" in task.trouble()
    task.advanced()
    assert task.trouble() == ""
    await task.stop()


async def test_turns_that_only_fail_are_nothing_done(clock: Clock) -> None:
    async def turn() -> None:
        clock.now += 20
        raise ConnectionError("the directory is away")

    task = BackgroundTask("ingress", "follower", turn, longest=60.0)
    task.start()
    await until(lambda: task.failures > 4)
    assert "the directory is away" in task.trouble()
    await task.stop()


async def test_a_task_that_somebody_cancelled_is_not_well(clock: Clock, logged: list[Any]) -> None:
    task = BackgroundTask("ingress", "sweep", asyncio.Event().wait)  # type: ignore[arg-type]
    task.start()
    await asyncio.sleep(0)
    next(all_task for all_task in asyncio.all_tasks() if all_task.get_name() == "ingress-sweep").cancel()
    await until(lambda: bool(logged))
    assert "sweep has ended" in task.trouble()
    assert [line["event"] for line in logged] == ["background.ended"]
    await task.stop()


async def test_tasks_are_known_by_their_service_while_they_run() -> None:
    task = BackgroundTask("outbound", "queue", asyncio.Event().wait)  # type: ignore[arg-type]
    task.start()
    assert running("outbound") == [task]
    await task.stop()
    await task.stop()
    assert running("outbound") == []


async def test_turns_that_never_wait_leave_the_loop_to_others() -> None:
    async def turn() -> None:
        return

    task = BackgroundTask("outbound", "queue", turn)
    task.start()
    await asyncio.sleep(0)  # comes back
    await task.stop()
    assert task.turns < 10


async def test_a_call_nobody_awaits_is_logged_when_it_fails(logged: list[Any]) -> None:
    async def call() -> None:
        raise ValueError("of this")

    await asyncio.wait({spawn(call(), "bus-callback")})
    await asyncio.sleep(0)
    assert [(line["event"], line["call"]) for line in logged] == [("background.call_failed", "bus-callback")]


async def test_the_error_of_a_call_that_is_awaited_is_its_awaiter_s(logged: list[Any]) -> None:
    async def call() -> None:
        raise ValueError("of this")

    with pytest.raises(ValueError, match="of this"):
        await begin(call())
    assert logged == []


async def test_an_event_ends_a_wait() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await woken_within(event, 60)


async def test_time_ends_a_wait() -> None:
    assert not await woken_within(asyncio.Event(), 0.01)


async def test_a_cancellation_in_the_turn_of_the_event_is_kept() -> None:
    event = asyncio.Event()

    async def for_ever() -> None:
        while True:
            await woken_within(event, 60)
            event.clear()

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    event.set()
    await asyncio.sleep(0)  # the inner waiter is done, but the task has not run yet
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(60):
            await task


async def test_a_turn_that_loses_its_cancellation_ends_the_task_nevertheless() -> None:
    began = asyncio.Event()

    async def turn() -> None:
        began.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()  # type: ignore[union-attr]

    task = BackgroundTask("service", "deaf", turn)
    task.start()
    await began.wait()
    began.clear()
    await task.stop()
    assert not began.is_set()
