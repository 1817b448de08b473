"""Counts fsync and fdatasync by process: with perf if permitted, else with strace, else not at all.

perf counts in the kernel and disturbs nothing. strace stops every system call, so a run with it gives counts but says
nothing about speed.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

CALLS = ("fsync", "fdatasync")
_ATTACH = 10.0
_TRACEPOINTS = ",".join(f"syscalls:sys_enter_{call}" for call in CALLS)
_STRACE_LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)
_PERF_LINE = re.compile(r"^(\d+),[^,]*,syscalls:sys_enter_(\w+)", re.MULTILINE)


def method() -> str | None:
    """`perf`, `strace`, or None when neither is permitted."""
    if shutil.which("perf") and _perf_works():
        return "perf"
    return "strace" if shutil.which("strace") else None


def _perf_works() -> bool:
    """Whether perf works, found by trying: tracepoints need rights (CAP_PERFMON and a readable tracefs)."""
    tried = subprocess.run(["perf", "stat", "-x,", "-e", _TRACEPOINTS, "true"], capture_output=True, text=True)
    return tried.returncode == 0 and len(_PERF_LINE.findall(tried.stderr)) == len(CALLS)


class FsyncCount:
    """Counts for all processes: `start()` returns when they are watched, `stop()` returns the counts by name."""

    def __init__(self, how: str, pids: Mapping[str, Sequence[int]]) -> None:
        self._how = how
        self._pids = pids
        self._folder = Path(tempfile.mkdtemp(prefix="mailfold-fsyncs-"))
        self._watchers: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Attach to every process. Raises RuntimeError when that is not permitted."""
        for number, (name, pids) in enumerate(self._pids.items()):
            self._watchers[name] = self._watch(number, pids)
        end = time.monotonic() + _ATTACH
        attached = _perf_attached if self._how == "perf" else _strace_attached
        try:
            for name, watcher in self._watchers.items():
                self._wait(watcher, partial(attached, watcher.pid, self._pids[name]), end)
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> dict[str, int]:
        """Detach; returns the counts."""
        for watcher in self._watchers.values():
            watcher.send_signal(signal.SIGINT)
        for watcher in self._watchers.values():
            watcher.wait(30)
        counts = {name: self._count(number) for number, name in enumerate(self._watchers)}
        shutil.rmtree(self._folder, ignore_errors=True)
        return counts

    def _watch(self, number: int, pids: Sequence[int]) -> subprocess.Popen[bytes]:
        output = str(self._folder / str(number))
        if self._how == "perf":
            argv = ["perf", "stat", "-x,", "-e", _TRACEPOINTS, "-o", output, "-p", ",".join(map(str, pids))]
        else:
            argv = ["strace", "-f", "-c", "-e", "trace=" + ",".join(CALLS), "-o", output, *(f"-p{pid}" for pid in pids)]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _wait(self, watcher: subprocess.Popen[bytes], attached: Callable[[], bool], end: float) -> None:
        while not attached():
            if watcher.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self._how} cannot attach to the server")
            time.sleep(0.02)

    def _count(self, number: int) -> int:
        try:
            text = (self._folder / str(number)).read_text("utf-8", "replace")
        except OSError:
            return 0
        return counted(self._how, text)


@contextlib.contextmanager
def fsyncs_of(pids: Mapping[str, Sequence[int]], how: str | None) -> Iterator[dict[str, int]]:
    """Count for the length of the block; the counts are there at its end.

    There are none without a method, or when attaching is not permitted (ptrace_scope, another user's server).
    """
    counts: dict[str, int] = {}
    counter = FsyncCount(how, running(pids)) if how else None
    try:
        if counter:
            counter.start()
    except RuntimeError:
        counter = None
    try:
        yield counts
    finally:
        if counter:
            counts.update(counter.stop())


def counted(how: str, text: str) -> int:
    """The sum of the counts in the output of perf stat -x or strace -c."""
    line = _PERF_LINE if how == "perf" else _STRACE_LINE
    return sum(int(count) for count, call in line.findall(text) if call in CALLS)


def running(pids: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The processes that have not ended; nothing can attach to one that has ended and is not waited for."""
    living = {name: [pid for pid in group if _runs(pid)] for name, group in pids.items()}
    return {name: group for name, group in living.items() if group}


def _runs(pid: int) -> bool:
    status = _status(pid)
    return bool(status) and "\nState:\tZ" not in status


def _perf_attached(watcher: int, pids: Sequence[int]) -> bool:
    """Whether perf has opened an event for every thread."""
    try:
        targets = [str(path.readlink()) for path in Path(f"/proc/{watcher}/fd").iterdir()]
    except OSError:
        return False
    return sum("perf_event" in target for target in targets) >= len(CALLS) * len(pids)


def _strace_attached(watcher: int, pids: Sequence[int]) -> bool:
    """Whether each process names its tracer."""
    return all(f"TracerPid:\t{watcher}\n" in _status(pid) for pid in pids)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return ""
