"""Background work of a process.

Every loop, and every call that nobody awaits, runs here, so that none ends unnoticed
(tests/architecture/test_background.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from time import gmtime, monotonic, strftime, time
from typing import Any, TypeVar

import structlog

log = structlog.get_logger("background")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds between a failed turn and the next one: the first and the longest pause."""
UNBOUNDED = float("inf")
_CANCELLED_AGAIN = 5.0
"""Seconds after which a task that was stopped, and still runs, is cancelled once more."""
Turn = Callable[[], Awaitable[None]]
T = TypeVar("T")

_running: set[BackgroundTask] = set()
_calls: set[asyncio.Task[Any]] = set()


class BackgroundTask:
    """A loop of a service: one turn after the other, from `start` to `stop`.

    A turn that raises is logged and counted; the next one begins after a pause that doubles with every failure in a
    row. `not_now` are errors which only say that another part is unavailable; they are logged without a traceback.
    `longest` is the number of seconds without a successful turn after which the task is reported as not well. A turn
    waits by itself; a long one calls `advanced` from time to time.
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
        """Number of successful turns."""
        self.failures = 0
        """Number of failures in a row, up to now."""
        self.last_error = ""
        self.complaint = ""
        """A trouble that the task reports although its turns succeed."""
        self.note = ""
        """A remark for the operator, although all is well."""

    def start(self) -> None:
        """Start with the first turn, in the next turn of the event loop."""
        self._advanced = monotonic()
        self._task = asyncio.get_running_loop().create_task(self._serve(), name=f"{self.service}-{self.name}")
        self._task.add_done_callback(self._has_ended)
        _running.add(self)

    async def stop(self) -> None:
        """Cancel the present turn and wait for its end. Does nothing when the task was never started."""
        _running.discard(self)
        task, self._task = self._task, None
        while task is not None and not task.done():
            # A cancellation may be lost: asyncio.wait_for swallows it when what it waits for ends in the same moment
            # (CPython issue 86296). Then the loop ends after the turn, or is cancelled again.
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCELLED_AGAIN)

    def advanced(self) -> None:
        """Note that something was done; the end of a turn does this as well."""
        self._advanced = monotonic()

    @property
    def idle(self) -> float:
        """Seconds since something was done."""
        return monotonic() - self._advanced

    def trouble(self) -> str:
        """Why the task is not well; empty when it is."""
        if self._task is not None and self._task.done():
            return f"the background task {self.name} has ended{self._because()}"
        if self.idle > self._longest:
            return f"the background task {self.name} has done nothing since {moment(self.idle)}{self._because()}"
        return self.complaint

    def _because(self) -> str:
        return f": {self.last_error}" if self.last_error else ""

    async def _serve(self) -> None:
        pause = FIRST_PAUSE
        while asyncio.current_task() is self._task:
            try:
                await self._turn()
            except Exception as error:
                self._note_failure(error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._longest_pause)
            else:
                pause, self.failures, self.last_error = FIRST_PAUSE, 0, ""
                self.turns += 1
                self.advanced()
                await asyncio.sleep(0)  # a turn that did not wait must not block the event loop

    def _note_failure(self, error: Exception, pause: float) -> None:
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
    """A turn that waits for so many seconds, then does the work."""

    async def turn() -> None:
        await asyncio.sleep(seconds)
        await work()

    return turn


def spawn(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start a call that nobody awaits. Its error is logged, and the process keeps it until it is done."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _calls.add(task)
    task.add_done_callback(_call_ended)
    return task


def begin(work: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
    """Start a call that is awaited later. Its error is raised there and not logged here."""
    return asyncio.get_running_loop().create_task(work, name=name or None)


def running(service: str) -> list[BackgroundTask]:
    """The tasks of a service in this process, by name."""
    return sorted((task for task in _running if task.service == service), key=lambda task: task.name)


def moment(seconds_ago: float) -> str:
    """A time in the past as text.

    It is rounded, so that equal troubles of two services in one process have equal texts.
    """
    return strftime("%Y-%m-%d %H:%M:%S UTC", gmtime(time() - seconds_ago))


async def woken_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, for so many seconds at most; returns whether it is set.

    `asyncio.wait_for` cannot be used: on Python 3.11 it swallows a cancellation in the same turn of the event loop as
    the event, and the cancelled loop would run forever.
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
