"""How much memory this process uses."""

from __future__ import annotations

import os
import resource


class Memory:
    """The memory of this process. It is made before the process is confined, because it reads a file."""

    def __init__(self) -> None:
        self._statistics = os.open("/proc/self/statm", os.O_RDONLY)

    def used(self) -> int:
        """The resident memory, in octets."""
        return int(os.pread(self._statistics, 200, 0).split()[1]) * resource.getpagesize()
