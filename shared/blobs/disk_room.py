"""How much room the disk has, so that no mail is taken which those already taken may need it for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from shared.clock import Clock

log = structlog.get_logger("disk")
_LOOK_SECONDS = 1.0
_NEVER = float("-inf")
_UNKNOWN = 2**63


class Space(NamedTuple):
    """A file system's octets: those an ordinary user may still write, and all."""

    free: int
    size: int


class DiskRoom:
    """The folders that mail is written to, against a reserve: so many octets or so many percent of the disk, whichever
    is more.

    Looked at when asked for, once a second at most. A folder that cannot be looked at is left to those who write to it.
    """

    def __init__(
        self,
        service: str,
        folders: Sequence[Path],
        reserve_bytes: int,
        reserve_percent: int,
        clock: Clock,
        measure: Callable[[Path], Space] | None = None,
    ) -> None:
        self._service = service
        """Who keeps the reserve: for the log."""
        self._folders = folders
        self._reserve_bytes = reserve_bytes
        self._reserve_percent = reserve_percent
        self._clock = clock
        self._measure = measure or measured
        self._looked = _NEVER
        self._free = self._spare = self._promised = 0
        self._was_short = False

    @property
    def free(self) -> int:
        """Octets free where there are fewest; 0 when that is not known."""
        self._look()
        return self._free

    def shortage(self, octets: int = 0) -> str:
        """Why a message of so many octets must wait; empty when there is room for it beside those promised."""
        self._look()
        return (
            ""
            if octets + self._promised <= self._spare
            else f"{self._free} octets are free, {self._free - self._spare} are kept in reserve"
        )

    @contextlib.contextmanager
    def promised(self, octets: int) -> Iterator[None]:
        """The extent in which a message of so many octets comes in: others find that much less room."""
        self._promised += octets
        try:
            yield
        finally:
            self._promised -= octets

    def _look(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        spaces = [space for folder in self._folders if (space := self._space(folder)) is not None]
        self._free = min((space.free for space in spaces), default=0)
        self._spare = min((space.free - self._reserve(space) for space in spaces), default=_UNKNOWN)
        self._log_change()

    def _space(self, folder: Path) -> Space | None:
        try:
            return self._measure(folder)
        except OSError as error:
            log.warning("disk.unknown", service=self._service, folder=str(folder), error=str(error))
            return None

    def _reserve(self, space: Space) -> int:
        return max(self._reserve_bytes, space.size * self._reserve_percent // 100)

    def _log_change(self) -> None:
        is_short = self._spare < 0
        if is_short != self._was_short:
            log.warning(
                "disk.short" if is_short else "disk.has_room",
                service=self._service,
                free=self._free,
                reserve=self._free - self._spare,
            )
        self._was_short = is_short


def measured(folder: Path) -> Space:
    """The file system of a folder. Raises OSError."""
    status = os.statvfs(folder)
    return Space(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)
