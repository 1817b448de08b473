"""Asks a reading process, from a thread: writes the request, reads the answer, within a time and an amount.

A process that died is noticed by its own end, not by the end of its output: a process that it left behind may hold
that open for ever. Whatever it wrote by then is read, up to the amount.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from typing import IO

from services.indexer.extraction.wire import END, READY, TEXT, BadFrame, Frames

_LOOK = 100
"""Milliseconds between two looks whether the process is alive while nothing happens."""
_CHUNK = 64 * 1024
_ERRORS_KEPT = 2000


class ProcessDied(Exception):
    """The process ended within the conversation."""


class OutOfTime(TimeoutError):
    """The answer took too long."""


class TooMuchOutput(Exception):
    """The process wrote more than was asked for."""


def has_ended(pid: int) -> bool:
    """Whether this child process has ended. It stays unreaped, so that its number stays its own."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class FileDialogue:
    """A request and its answer. `text` is what was read so far, also after an error."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float, most_octets: int) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process has no pipes")
        self._process = process
        self._input: IO[bytes] = process.stdin
        self._output = process.stdout.fileno()
        self._errors = process.stderr.fileno()
        self._deadline = deadline
        self._left = most_octets
        self._frames = Frames()
        self._texts: list[str] = []
        self._ended: bytes | None = None
        self.complaint = ""
        """The end of what the process wrote to its standard error."""
        for descriptor in (self._input.fileno(), self._output, self._errors):
            os.set_blocking(descriptor, False)

    @property
    def text(self) -> str:
        """The texts of the answer until now."""
        return "".join(self._texts)

    def ready(self) -> bytes:
        """Wait until the process is ready, and return the content of that frame."""
        return self.ask(iter(()))

    def ask(self, octets: Iterator[bytes]) -> bytes:
        """Write these octets, read texts, and return the content of the last frame.

        Raises ProcessDied, OutOfTime, TooMuchOutput, BadFrame, and what the octets raise.
        """
        poller = select.poll()
        poller.register(self._output, select.POLLIN)
        poller.register(self._errors, select.POLLIN)
        writing = _Writing(self._input.fileno(), octets)
        poller.register(self._input.fileno(), select.POLLOUT)
        while self._ended is None:
            if time.monotonic() >= self._deadline:
                raise OutOfTime
            events = dict(poller.poll(_LOOK))
            if not events and has_ended(self._process.pid):
                self._read_rest()
            if self._errors in events and not self._read_errors():
                poller.unregister(self._errors)
            if self._output in events:
                self._read_output()
            if self._input.fileno() in events and not writing.go_on():
                poller.unregister(self._input.fileno())
        return self._ended

    def _read_output(self) -> bool:
        """Read once. Returns whether there was something."""
        try:
            octets = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not octets:
            self._read_errors()
            raise ProcessDied
        self._left -= len(octets)
        if self._left < 0:
            raise TooMuchOutput
        for kind, content in self._frames.feed(octets):
            self._take(kind, content)
        return True

    def _take(self, kind: bytes, content: bytes) -> None:
        if self._ended is not None or (kind == READY and self._texts):
            raise BadFrame("something follows the end of the answer")
        if kind == TEXT:
            self._texts.append(content.decode("utf-8", "replace"))
        elif kind in (END, READY):
            self._ended = content

    def _read_rest(self) -> None:
        """The process is dead: read what it had written, and no more."""
        while self._ended is None and self._read_output():
            pass
        self._read_errors()
        if self._ended is None:
            raise ProcessDied

    def _read_errors(self) -> bool:
        """Read once; False when nothing more can come."""
        try:
            octets = os.read(self._errors, _CHUNK)
        except BlockingIOError:
            return True
        self.complaint = (self.complaint + octets.decode("utf-8", "replace"))[-_ERRORS_KEPT:]
        return bool(octets)


class _Writing:
    """Writes octets to a pipe as it has room for them."""

    def __init__(self, descriptor: int, octets: Iterator[bytes]) -> None:
        self._descriptor = descriptor
        self._octets = octets
        self._piece = memoryview(b"")

    def go_on(self) -> bool:
        """Write what there is room for; False when everything is written, or nobody reads."""
        try:
            while self._piece or self._next():
                self._piece = self._piece[os.write(self._descriptor, self._piece) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False  # The end of its output says what happened.
        return False

    def _next(self) -> bool:
        self._piece = memoryview(next(self._octets, b""))
        return bool(self._piece)
