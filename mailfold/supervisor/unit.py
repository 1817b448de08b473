"""The state of one child: started, ready, crashed, waiting, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection
from time import monotonic, time_ns

from mailfold.supervisor.backoff import Backoff
from mailfold.supervisor.child import Child
from mailfold.supervisor.launch import launch
from mailfold.supervisor.report import Process, State

_ALIVE = (State.STARTING, State.RUNNING, State.STOPPING)
_NEVER = float("inf")


class Unit:
    """The supervisor's view of one child. Times are seconds of `time.monotonic()` unless a unit is named."""

    def __init__(self, child: Child, backoff: Backoff) -> None:
        self.child = child
        self.state = State.WAITING
        self.pid = 0
        self.changed = False
        """Whether the report is out of date."""
        self._backoff = backoff
        self._began = 0.0
        self._due = _NEVER
        self._started = 0
        self._since = _microseconds()
        self._restarts = 0
        self._last_exit = ""
        self._doing = ""
        self._stalled = ""

    @property
    def alive(self) -> bool:
        """Whether the process exists."""
        return self.state in _ALIVE

    @property
    def due(self) -> float:
        """When the next step is due: the end of a pause, or of the time for a start or a stop."""
        return self._due

    def begin(self, close: Collection[int]) -> int:
        """Start the process; returns the descriptor of its output. Raises as `launch` does."""
        self.pid, output = launch(self.child.start, close)
        self._began = monotonic()
        self._started = _microseconds()
        self._become(State.STARTING, self._began + self.child.start_timeout)
        return output

    def look_whether_ready(self) -> None:
        """Ask a starting child whether it is ready. Progress gives it the whole time again."""
        if self.state is not State.STARTING:
            return
        if self.child.ready(self.pid):
            self._become(State.RUNNING, _NEVER)
        elif (doing := self.child.doing(self.pid)) != self._doing:
            self._doing, self.changed = doing, True
            if not self._stalled:
                self._due = monotonic() + self.child.start_timeout

    def stop(self) -> None:
        """Ask the process to end, or cancel a start that has not begun."""
        if self.state is State.STOPPING or self.state is State.STOPPED:
            return
        if not self.alive:
            self._become(State.STOPPED, _NEVER)
            return
        self._signal(signal.SIGTERM)
        self._become(State.STOPPING, monotonic() + self.child.stop_timeout)

    def renew(self) -> None:
        """Let a stopped child be started again."""
        self._become(State.WAITING, _NEVER)

    def kill(self) -> None:
        """Kill the process and everything it has started."""
        self._kill_group()
        self._signal(signal.SIGKILL)  # it may not have its own process group yet

    def act_when_due(self) -> None:
        """Kill a process whose time is over, or end a pause, so that the child can be started again."""
        if monotonic() < self._due:
            return
        if self.alive:
            if self.state is State.STARTING:
                self._stalled = (
                    f", after {self.child.start_timeout:g} s without progress: {self._doing or 'it said nothing'}"
                )
            self.kill()
            self._due = _NEVER
        else:
            self._restarts += 1
            self._become(State.WAITING, _NEVER)

    def reap(self) -> bool:
        """Whether the process has just ended. When it was not stopped it has crashed, whatever its status."""
        if not self.alive:
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        self._kill_group()  # processes that it has started and left behind
        self._note_end(os.waitstatus_to_exitcode(status))
        return True

    def start_failed(self, error: Exception) -> None:
        """Note that no process could be started now."""
        self._last_exit = repr(error)
        self._become(State.BACKOFF, monotonic() + self._backoff.after(0.0))

    def process(self) -> Process:
        """The child for the report."""
        return Process(
            self.child.name,
            self.child.services,
            self.state,
            self.pid,
            self._started,
            self._since,
            self._restarts,
            self._last_exit,
            self._doing,
        )

    def _note_end(self, code: int) -> None:
        now = monotonic()
        self.pid = 0
        self._last_exit = (f"signal {-code}" if code < 0 else f"status {code}") + self._stalled
        self._stalled = ""
        if self.state is State.STOPPING:
            self._become(State.STOPPED, _NEVER)
        else:
            self._become(State.BACKOFF, now + self._backoff.after(now - self._began))

    def _become(self, state: State, due: float) -> None:
        self.state, self._due, self._since, self.changed = state, due, _microseconds(), True
        self._doing = ""

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


def _microseconds() -> int:
    """The present time in UTC microseconds."""
    return time_ns() // 1000
