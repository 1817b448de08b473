"""Reads /proc about a process; a process that has ended gives nothing."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """CPU seconds of a process, and of its children that have ended."""

    parent: int
    name: str
    own: float
    """CPU seconds in clock ticks, including threads that have ended."""
    children: float


def read_times(pid: int, proc: Path = PROC) -> ProcessTimes | None:
    """The values of /proc/<pid>/stat (proc(5): fields 2, 4, 14 to 17), or None when the process has ended."""
    try:
        text = (proc / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name is in parentheses and may contain any character, including parentheses.
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    own, children = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return ProcessTimes(int(fields[1]), name, own / _TICK, children / _TICK)


def cpu_seconds_of(pid: int, times: ProcessTimes, proc: Path = PROC) -> float:
    """The CPU seconds from the better of two sources: the scheduler counts nanoseconds, but forgets threads that have
    ended."""
    return max(times.own, _scheduled(proc / str(pid) / "task")) + times.children


def _scheduled(tasks: Path) -> float:
    """CPU seconds of all living threads (schedstat, first field)."""
    total = 0
    with contextlib.suppress(OSError, IndexError):
        for task in tasks.iterdir():
            total += int((task / "schedstat").read_text("ascii").split()[0])
    return total / 1e9


@dataclass(frozen=True, slots=True)
class ProcessIo:
    """Octets and calls of read and write since the process started, for files and sockets, cached or not."""

    read: int
    written: int
    calls: int


def read_io(pid: int, proc: Path = PROC) -> ProcessIo | None:
    """The values of /proc/<pid>/io (proc(5)); None when the process is gone or not readable."""
    try:
        lines = (proc / str(pid) / "io").read_text("ascii").splitlines()
    except OSError:
        return None
    fields = {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
    return ProcessIo(fields["rchar"], fields["wchar"], fields["syscr"] + fields["syscw"])


def read_pss(pid: int, proc: Path = PROC) -> int:
    """The PSS in bytes: shared pages are divided among their users. 0 when the process is gone or not readable."""
    try:
        uids = _PSS.search((proc / str(pid) / "smaps_rollup").read_text("ascii", "replace"))
    except OSError:
        return 0
    return int(uids[1]) * 1024 if uids else 0


def all_times(proc: Path = PROC) -> dict[int, ProcessTimes]:
    """The times of all processes."""
    pids = (int(path.name) for path in proc.iterdir() if path.name.isdigit())
    return {pid: times for pid in pids if (times := read_times(pid, proc))}


def descendants(roots: set[int], times: dict[int, ProcessTimes]) -> set[int]:
    """The roots and all their descendants."""
    children: dict[int, list[int]] = {}
    for pid, process_times in times.items():
        children.setdefault(process_times.parent, []).append(pid)
    result, waiting = set(), [pid for pid in roots if pid in times]
    while waiting:
        pid = waiting.pop()
        if pid not in result:
            result.add(pid)
            waiting += children.get(pid, [])
    return result
