"""Signals as bytes in a pipe, so that one `select` can wait for them and for everything else."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any, Self

STOP = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
RENEW = signal.SIGUSR1
_WATCHED = (*STOP, RENEW, signal.SIGCHLD)


class Signals:
    """Inside the `with` block, the watched signals only make `fd` readable."""

    def __init__(self) -> None:
        self.fd, self._writer = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._writer, False)
        self._before: dict[int, Any] = {}
        self._wakeup = -1

    @property
    def fds(self) -> tuple[int, int]:
        """Both ends of the pipe."""
        return self.fd, self._writer

    def __enter__(self) -> Self:
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _nothing) for number in _WATCHED}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self.fd)
        os.close(self._writer)

    def taken(self) -> list[int]:
        """The numbers of the signals since the last call."""
        try:
            return list(os.read(self.fd, 512))
        except BlockingIOError:
            return []


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; a handler is needed so that Python writes the signal to the pipe."""
