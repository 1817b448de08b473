"""A port offset whose well-known ports are free."""

from __future__ import annotations

import itertools
import os
import socket

SMTP, SUBMISSIONS, SUBMISSION, IMAPS = 25, 465, 587, 993
WELL_KNOWN = (SMTP, SUBMISSIONS, SUBMISSION, IMAPS)
_LOWEST, _HIGHEST, _STEP = 10_000, 31_000, 1_000
"""Below the kernel's range of outgoing ports (from 32768), so that no client of ours occupies a listener's port."""
_turn = itertools.count()


def free_offset() -> int:
    """A port offset for which all four ports are free; each call and each process gets another one."""
    spread = (_HIGHEST - _LOWEST) // _STEP
    for _ in range(spread * 3):
        number = os.getpid() + next(_turn)
        offset = _LOWEST + (number % spread) * _STEP + (number // spread) % 10
        if all(is_free(port + offset) for port in WELL_KNOWN):
            return offset
    raise RuntimeError("no free ports for a server")


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
