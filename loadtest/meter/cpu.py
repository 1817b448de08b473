"""CPU time by process, as the difference between two readings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from loadtest.meter.proc import cpu_seconds_of
from loadtest.meter.server_processes import ServerProcesses

_LOOK = 0.5
"""Seconds between two readings while waiting for an idle server."""
_QUIET_SHARE = 0.04
"""Share of a core below which the server counts as idle."""


def cpu_seconds(server: ServerProcesses) -> dict[str, float]:
    """CPU seconds each named process has used since it started."""
    return {name: sum(cpu_seconds_of(pid, times) for pid, times in group) for name, group in server.named().items()}


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The CPU seconds between two readings; a process that was restarted counts from its start."""
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    return {name: seconds if seconds >= 0 else after[name] for name, seconds in spent.items()}


async def wait_until_quiet(server: ServerProcesses, limit: float = 30.0) -> bool:
    """Wait until the server is idle; False when `limit` seconds were not enough."""
    end = time.monotonic() + limit
    before, looked = sum(cpu_seconds(server).values()), time.monotonic()
    while time.monotonic() < end:
        await asyncio.sleep(_LOOK)
        now, at = sum(cpu_seconds(server).values()), time.monotonic()
        if now - before < _QUIET_SHARE * (at - looked):
            return True
        before, looked = now, at
    return False
