"""What runs, for `mailfold status`: one small file, replaced whole at each change."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import msgspec


class State(StrEnum):
    """Where a child is in its life."""

    WAITING = "waiting"
    """For its dependencies."""
    STARTING = "starting"
    RUNNING = "running"
    """Started and ready."""
    BACKOFF = "backoff"
    """Crashed; it is started again in a while."""
    STOPPING = "stopping"
    STOPPED = "stopped"


class Process(msgspec.Struct, frozen=True):
    """One child. `pid` is 0 when it does not run. `started` and `since` (of the state) are UTC microseconds, 0 when
    never.
    """

    name: str
    services: tuple[str, ...]
    state: State
    pid: int
    started: int
    since: int
    restarts: int
    last_exit: str
    """How it ended last time: `status 1`, `signal 9`; empty when it never did."""
    doing: str = ""
    """What its start does, while it starts."""


class Report(msgspec.Struct, frozen=True):
    """The supervisor and its children."""

    supervisor: int
    processes: tuple[Process, ...]

    @property
    def alive(self) -> bool:
        """Whether that supervisor still runs; a killed one leaves its file behind, and its children died with it."""
        try:
            os.kill(self.supervisor, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def write_report(file: Path, report: Report) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(report))
    temporary.replace(file)


def read_report(file: Path) -> Report | None:
    """The last report; None when there is none that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError):
        return None
