"""What the end of a reading process says about the file that it read."""

from __future__ import annotations

import signal
from typing import NamedTuple

from services.indexer.extraction.port import ExtractionStatus

_OUT_OF_MEMORY = ("memory allocation", "memoryerror", "out of memory", "bad_alloc", "cannot allocate memory")
_NEARLY_ALL = 0.8
"""A process that used this part of its memory limit died of it; C++ and Rust end in many ways without memory."""
_TOO_DEEP = "has overflowed its stack"


class ProcessEnd(NamedTuple):
    """How a process ended: its return code (a negative number is a signal), and the most memory it used, in MB."""

    code: int
    most_mb: int


def verdict(ending: ProcessEnd, memory_mb: int, complaint: str) -> tuple[ExtractionStatus, str]:
    """The status and what happened in words; `complaint` is what the process wrote to its standard error."""
    return_code = ending.code
    words = complaint.lower()
    if ending.most_mb > memory_mb * _NEARLY_ALL or any(word in words for word in _OUT_OF_MEMORY):
        return ExtractionStatus.LIMIT, "the limit of memory is reached"
    if return_code == -signal.SIGXCPU:
        return ExtractionStatus.LIMIT, "the limit of CPU time is reached"
    last = complaint.strip().rpartition("\n")[2][:300]
    if _TOO_DEEP in complaint:
        return ExtractionStatus.CRASHED, "the reading process has overflowed its stack"
    cause = f"signal {_name(-return_code)}" if return_code < 0 else f"exit code {return_code}"
    return ExtractionStatus.CRASHED, f"the reading process died ({cause}){': ' if last else ''}{last}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
