"""The free disk space, so that no new mail uses the space that accepted mail still needs."""

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
    """The octets of a file system: those that an ordinary user may still write, and all."""

    free: int
    size: int


class DiskRoom:
    """The free space in the folders for mail, beyond a reserve.

    The reserve is a number of octets or a percentage of the disk, whichever is larger. The disk is examined on demand,
    at most once a second. A folder that cannot be examined is ignored; those who write to it will report the error.
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
        """The service that keeps the reserve, for the log."""
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
        """The free octets on the fullest of the disks; 0 when unknown."""
        self._look()
        return self._free

    def shortage(self, octets: int = 0) -> str:
        """Why a message of so many octets must wait; empty when it fits beside the promised messages."""
        self._look()
        return (
            ""
            if octets + self._promised <= self._spare
            else f"{self._free} octets are free, {self._free - self._spare} are kept in reserve"
        )

    @contextlib.contextmanager
    def promised(self, octets: int) -> Iterator[None]:
        """Reserve room for a message while it is received; others have that much less."""
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
    """The space of the folder's file system. Raises OSError."""
    status = os.statvfs(folder)
    return Space(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)
