"""What a process does until it serves. Its supervisor reads it: a start may take as long as it advances."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from time import monotonic

_WRITE_SECONDS = 0.2


class StartProgress:
    """One small file, replaced whole when something changed, and gone when the process serves. Any thread may write."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._written = 0.0
        self._text = ""

    def note(self, text: str, *, at_once: bool = False) -> None:
        """What is done now. Numbers in it show that it advances. Several in a moment are written once."""
        self._text = text
        if self._file is not None and (at_once or monotonic() - self._written > _WRITE_SECONDS):
            self._written = monotonic()
            self._write(self._file)

    def clear(self) -> None:
        """The process serves."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _write(self, file: Path) -> None:
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk; the supervisor is patient for a while
            temporary.write_text(f"{os.getpid()}\n{self._text}", "utf-8")
            temporary.replace(file)


def read_progress(file: Path, pid: int) -> str:
    """What that process does; empty when it says nothing."""
    try:
        number, _, text = file.read_text("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if number == str(pid) else ""
