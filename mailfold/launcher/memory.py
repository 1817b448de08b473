"""Keeps the memory of the server's processes to themselves."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4  # prctl(2)


def hide_memory() -> None:
    """Other processes of the same user may no longer read this process's memory, environment or descriptors, nor trace
    it; there are no core files. Copies of the process inherit it. Root may still do all of it. Linux alone.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
