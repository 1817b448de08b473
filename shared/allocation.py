"""How the C library of a process gets memory from the kernel and gives it back."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # <malloc.h>, mallopt(3)
_OCTETS = 128 * 1024
"""What glibc begins with for both."""


def return_large_blocks() -> None:
    """Give large blocks to the kernel as soon as they are freed; does nothing where the C library is not glibc.

    glibc raises both thresholds to the largest blocks that were freed. Then the buffer of 256 KB that uvloop makes for
    each TLS connection lies on the heap, in pages that a long answer has used before, and holds all of them in memory.
    A block of its own holds only the pages that the connection itself has used, which are one or two.
    """
    library = ctypes.CDLL(None)
    if sys.platform == "linux" and hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _OCTETS)
        library.mallopt(_TRIM_THRESHOLD, _OCTETS)
