"""Work in the background of a process. No loop and no call that nobody awaits ends in silence: each runs here, and
nowhere else (tests/architecture/test_background.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from time import gmtime, monotonic, strftime, time
from typing import Any, TypeVar

import structlog

log = structlog.get_logger("background")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds between a failed turn and the next one."""
UNBOUNDED = float("inf")
Turn = Callable[[], Awaitable[None]]
T = TypeVar("T")

_running: set[BackgroundTask] = set()
_calls: set[asyncio.Task[Any]] = set()


class BackgroundTask:
    """A loop of a service: one turn after the other, from `start` to `stop`.

    A turn that raises is logged and counted; the next one begins after a pause that doubles with every failure in a
    row. `not_now`: errors that only say that another part is away; they are logged without a trace. `longest`: seconds
    without a turn that succeeded, after which the task is reported to stand still. A turn waits by itself, and a long
    one says `advanced` now and then.
    """

    def __init__(
        self,
        service: str,
        name: str,
        turn: Turn,
        *,
        longest: float = UNBOUNDED,
        not_now: tuple[type[Exception], ...] = (),
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self.service = service
        self.name = name
        self._turn = turn
        self._longest = longest
        self._not_now = not_now
        self._longest_pause = longest_pause
        self._task: asyncio.Task[None] | None = None
        self._advanced = monotonic()
        self.turns = 0
        """That succeeded."""
        self.failures = 0
        """In a row, up to now."""
        self.last_error = ""
        self.complaint = ""
        """What is not well though turns succeed; of the task itself."""
        self.note = ""
        """What the operator should know, though all is well."""

    def start(self) -> None:
        """Begin with the first turn, at the loop's next one."""
        self._advanced = monotonic()
        self._task = asyncio.get_running_loop().create_task(self._serve(), name=f"{self.service}-{self.name}")
        self._task.add_done_callback(self._has_ended)
        _running.add(self)

    async def stop(self) -> None:
        """Cancel the turn at hand and wait for its end. A task that never started has nothing to stop."""
        _running.discard(self)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def advanced(self) -> None:
        """Something was done just now; a turn that ends says so by itself."""
        self._advanced = monotonic()

    @property
    def idle(self) -> float:
        """Seconds since something was done."""
        return monotonic() - self._advanced

    def trouble(self) -> str:
        """Why the task is not well; empty while it is."""
        if self._task is not None and self._task.done():
            return f"the background task {self.name} has ended{self._because()}"
        if self.idle > self._longest:
            return f"the background task {self.name} has done nothing since {moment(self.idle)}{self._because()}"
        return self.complaint

    def _because(self) -> str:
        return f": {self.last_error}" if self.last_error else ""

    async def _serve(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._turn()
            except Exception as error:
                self._failed(error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._longest_pause)
            else:
                pause, self.failures, self.last_error = FIRST_PAUSE, 0, ""
                self.turns += 1
                self.advanced()
                await asyncio.sleep(0)  # a turn that did not wait must not keep the loop from others

    def _failed(self, error: Exception, pause: float) -> None:
        self.failures += 1
        self.last_error = repr(error)
        who = {"service": self.service, "task": self.name, "failures": self.failures, "seconds_to_next": pause}
        if not isinstance(error, self._not_now):
            log.error("background.failed", **who, exc_info=error)
        elif self.failures == 1:
            log.warning("background.waits", **who, error=self.last_error)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        if task is not self._task:
            return  # stopped
        self.last_error = "cancelled" if task.cancelled() else repr(task.exception())
        log.error("background.ended", service=self.service, task=self.name, error=self.last_error)


def every(seconds: float, work: Turn) -> Turn:
    """A turn that waits so long, then works."""

    async def turn() -> None:
        await asyncio.sleep(seconds)
        await work()

    return turn


def spawn(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Begin a call that nobody awaits. What it raises is logged; the process keeps it until it is done."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _calls.add(task)
    task.add_done_callback(_call_ended)
    return task


def begin(work: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
    """Begin a call that somebody awaits later: its error is theirs, and is not logged here."""
    return asyncio.get_running_loop().create_task(work, name=name or None)


def running(service: str) -> list[BackgroundTask]:
    """The tasks of a service in this process, by name."""
    return sorted((task for task in _running if task.service == service), key=lambda task: task.name)


def moment(seconds_ago: float) -> str:
    """A time in the past as people read it. Two services that report one trouble of their process say the same."""
    return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(time() - seconds_ago))


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most so many seconds; whether it is.

    Not `asyncio.wait_for`: on Python 3.11 that swallows a cancellation which meets the event in the same turn of the
    loop, and the loop that was cancelled goes on for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _call_ended(task: asyncio.Task[Any]) -> None:
    _calls.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background.call_failed", call=task.get_name(), exc_info=error)
