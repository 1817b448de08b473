"""The peak memory of the server, read at intervals on a thread."""

from __future__ import annotations

import threading
from types import TracebackType

from loadtest.meter.proc import read_pss
from loadtest.meter.server_processes import ServerProcesses

PERIOD = 1.0
"""Seconds between two readings; for each the kernel walks over all pages."""


def memory(server: ServerProcesses) -> dict[str, int]:
    """PSS in bytes by process."""
    return {name: sum(map(read_pss, pids)) for name, pids in server.pids().items()}


class MemoryPeak:
    """`with MemoryPeak(server) as peak: …`; then `peak.total` and `peak.by_name` in bytes."""

    def __init__(self, server: ServerProcesses) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.total = 0
        """The largest sum of all processes at one moment."""
        self.by_name: dict[str, int] = {}
        """The largest value of each process, possibly at different moments."""

    def __enter__(self) -> MemoryPeak:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(PERIOD):
            self._look()

    def _look(self) -> None:
        now = memory(self._server)
        self.total = max(self.total, sum(now.values()))
        for name, size in now.items():
            self.by_name[name] = max(size, self.by_name.get(name, 0))
