"""The report of the supervisor for `mailfold status`: one small file, which is replaced at each change."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import msgspec


class State(StrEnum):
    """The state of a child."""

    WAITING = "waiting"
    """It waits for its dependencies."""
    STARTING = "starting"
    RUNNING = "running"
    """It is started and ready."""
    BACKOFF = "backoff"
    """It crashed and is started again after a pause."""
    STOPPING = "stopping"
    STOPPED = "stopped"


class Process(msgspec.Struct, frozen=True):
    """One child.

    `pid` is 0 when it does not run. `started` and `since` (of the state) are UTC microseconds, or 0.
    """

    name: str
    services: tuple[str, ...]
    state: State
    pid: int
    started: int
    since: int
    restarts: int
    last_exit: str
    """How it last ended: `status 1` or `signal 9`; empty when it has never ended."""
    doing: str = ""
    """The progress of its start, while it starts."""


class Report(msgspec.Struct, frozen=True):
    """The supervisor and its children."""

    supervisor: int
    processes: tuple[Process, ...]

    @property
    def alive(self) -> bool:
        """Whether the supervisor still runs. A killed one leaves its file behind, but its children die with it."""
        try:
            os.kill(self.supervisor, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def write_report(file: Path, report: Report) -> None:
    """Replace the file atomically, so that a reader never sees a part of it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(report))
    temporary.replace(file)


def read_report(file: Path) -> Report | None:
    """The last report; None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None
