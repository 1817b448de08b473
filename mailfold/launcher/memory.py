"""Keeps the memory of the server's processes to themselves."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4  # prctl(2)


def show_memory(traceable: bool) -> None:
    """Whether other processes of the same user may read this process's memory, environment and descriptors, trace it,
    and get core files of it. Copies of the process inherit it. Root may always. Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, int(traceable), 0, 0, 0)
