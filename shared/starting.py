"""The progress of a process until it serves.

The supervisor reads it: a start may take any time while it makes progress.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from time import monotonic

_WRITE_SECONDS = 0.2


class StartProgress:
    """Writes the progress to one small file, which is removed when the process serves. Any thread may write."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._written = 0.0
        self._text = ""

    def note(self, text: str, *, at_once: bool = False) -> None:
        """Note the present step. Numbers in the text show progress. Several notes within a moment are written once."""
        self._text = text
        if self._file is not None and (at_once or monotonic() - self._written > _WRITE_SECONDS):
            self._written = monotonic()
            self._write(self._file)

    def clear(self) -> None:
        """Remove the file, because the process serves."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _write(self, file: Path) -> None:
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk; the supervisor waits for a while in any case
            temporary.write_text(f"{os.getpid()}\n{self._text}", "utf-8")
            temporary.replace(file)


def read_progress(file: Path, pid: int) -> str:
    """The progress of that process; empty when it reports none."""
    try:
        number, _, text = file.read_text("utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if number == str(pid) else ""
