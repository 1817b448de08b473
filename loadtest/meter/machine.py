"""Shows whether other programs used the machine meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_BUSY = (0, 1, 2, 5, 6, 7)
"""The fields user, nice, system, irq, softirq and steal of /proc/stat (proc(5)): neither idle nor waiting for a disk.
"""


def busy_seconds(stat: Path = Path("/proc/stat")) -> float:
    """CPU seconds of all processes on all CPUs since the machine started."""
    fields = stat.read_text("ascii").split("\n", 1)[0].split()[1:]
    return sum(int(fields[at]) for at in _BUSY) / _TICK


class Others:
    """The CPU that neither the server nor this process uses from now on; `server` returns the server's CPU seconds."""

    def __init__(self, server: Callable[[], Mapping[str, float]]) -> None:
        self._server = server
        self._began = time.monotonic()
        self._before = self._left_over()

    def cores(self) -> float:
        """The average in cores; the CPU of a server without meters is included."""
        span = time.monotonic() - self._began
        return max(0.0, self._left_over() - self._before) / max(span, 0.01)

    def _left_over(self) -> float:
        return busy_seconds() - sum(self._server().values()) - time.process_time()
