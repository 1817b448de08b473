"""Work that can be counted, whatever else the machine does: what the server's stores tell of themselves, and the kernel
of its processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtest.meter.proc import read_io
from loadtest.meter.server_processes import ServerProcesses

STORED = ("statements", "rows_read", "rows_written")
PASSED = ("bytes_read", "bytes_written", "calls")
Work = dict[str, float]
"""By what is counted: one of STORED or PASSED."""


def stored(answer: Mapping[str, Any]) -> Work:
    """From an answer of `mailfold status --json`: what all stores have done since the server was started."""
    works = [service.get("work", {}) for service in answer.get("services", [])]
    return {name: sum(work.get(name, 0) for work in works) for name in STORED}


def passed(server: ServerProcesses) -> Work:
    """Octets and calls of all the server's processes since they were started."""
    counters = [io for pids in server.pids().values() for pid in pids if (io := read_io(pid))]
    return {
        "bytes_read": sum(io.read for io in counters),
        "bytes_written": sum(io.written for io in counters),
        "calls": sum(io.calls for io in counters),
    }


def between(before: Mapping[str, float], after: Mapping[str, float]) -> Work:
    """What was done between two looks."""
    return {name: count - before.get(name, 0) for name, count in after.items()}
