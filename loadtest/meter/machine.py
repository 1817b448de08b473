"""Whether the machine was ours alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_BUSY = (0, 1, 2, 5, 6, 7)
"""user, nice, system, irq, softirq, steal (proc(5), /proc/stat): not idle, not waiting for a disk."""


def busy_seconds(stat: Path = Path("/proc/stat")) -> float:
    """CPU seconds of everybody, over all CPUs, since the machine started."""
    fields = stat.read_text("ascii").split("\n", 1)[0].split()[1:]
    return sum(int(fields[at]) for at in _BUSY) / _TICK


class Others:
    """CPU used from now on by neither the server nor this process. `server` gives the server's CPU seconds."""

    def __init__(self, server: Callable[[], Mapping[str, float]]) -> None:
        self._server = server
        self._began = time.monotonic()
        self._before = self._left_over()

    def cores(self) -> float:
        """On average, in cores; what a server without meters used counts as others'."""
        span = time.monotonic() - self._began
        return max(0.0, self._left_over() - self._before) / max(span, 0.01)

    def _left_over(self) -> float:
        return busy_seconds() - sum(self._server().values()) - time.process_time()
