"""What Linux says of a process in /proc; a process that has ended says nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """CPU seconds of a process, its children that have ended included."""

    parent: int
    name: str
    cpu: float


def read_times(pid: int, proc: Path = PROC) -> ProcessTimes | None:
    """From /proc/<pid>/stat (proc(5): fields 2, 4, 14 to 17), or None when it is gone."""
    try:
        text = (proc / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold any character, parentheses included.
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return ProcessTimes(int(fields[1]), name, sum(map(int, fields[11:15])) / _TICK)


def read_pss(pid: int, proc: Path = PROC) -> int:
    """Bytes of memory, shared pages divided by who shares them; 0 when it is gone or not ours to see."""
    try:
        found = _PSS.search((proc / str(pid) / "smaps_rollup").read_text("ascii", "replace"))
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def all_times(proc: Path = PROC) -> dict[int, ProcessTimes]:
    """Every process there is."""
    pids = (int(path.name) for path in proc.iterdir() if path.name.isdigit())
    return {pid: times for pid in pids if (times := read_times(pid, proc))}


def descendants(roots: set[int], times: dict[int, ProcessTimes]) -> set[int]:
    """The roots and all below them."""
    children: dict[int, list[int]] = {}
    for pid, one in times.items():
        children.setdefault(one.parent, []).append(pid)
    found, waiting = set(), [pid for pid in roots if pid in times]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found
