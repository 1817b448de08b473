"""Work that is counted, independently of the machine's load.

The counts come from the server's stores, and from the kernel for its processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtest.meter.proc import read_io
from loadtest.meter.server_processes import ServerProcesses

STORED = ("statements", "rows_read", "rows_written")
PASSED = ("bytes_read", "bytes_written", "calls")
Work = dict[str, float]
"""Counts by name, one of STORED or PASSED."""


def stored(answer: Mapping[str, Any]) -> Work:
    """The work of all stores since the server was started, from a reply of `mailfold status --json`."""
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
    """The work between two readings."""
    return {name: count - before.get(name, 0) for name, count in after.items()}
