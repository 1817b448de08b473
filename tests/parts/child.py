"""A child process with a log file, which is kept when a test has failed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_POLL = 0.02
_LOG_TAIL = 2000


class PartFailed(RuntimeError):
    """A part did not start, or died; the text ends with its log."""


class Folder:
    """A temporary folder that is kept when its user has failed."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"mailfold-{name}-"))

    def close(self, *, keep: bool) -> None:
        """Remove it, or print where it is."""
        if keep:
            print(f"kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Child:
    """A running program. `log` is its standard output and error."""

    def __init__(
        self, argv: Sequence[str], log: Path, *, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(env or {})}, cwd=cwd
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def wait_until(self, ready: Callable[[], bool], timeout: float = 30.0) -> None:
        """Waits for the condition. Raises PartFailed when the child ends or the time is over."""
        end = time.monotonic() + timeout
        while not ready():
            if self.process.poll() is not None:
                raise PartFailed(f"{self._name} ended with {self.process.returncode}: {self.log_tail()}")
            if time.monotonic() > end:
                raise PartFailed(f"{self._name} is not ready after {timeout:g} s: {self.log_tail()}")
            time.sleep(_POLL)

    def stop(self, ask: signal.Signals = signal.SIGTERM, timeout: float = 15.0) -> int:
        """Ask it to end, then kill it. Returns its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(ask)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once, as in a power cut."""
        self.process.kill()
        return self.process.wait()

    def log_tail(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-_LOG_TAIL:]

    @property
    def _name(self) -> str:
        return Path(str(self.process.args[0])).name  # type: ignore[index]
