"""A port offset whose well-known ports are free."""

from __future__ import annotations

import itertools
import os
import socket

SMTP, SUBMISSIONS, SUBMISSION, IMAPS = 25, 465, 587, 993
WELL_KNOWN = (SMTP, SUBMISSIONS, SUBMISSION, IMAPS)
_LOWEST, _HIGHEST, _STEP = 10_000, 31_000, 1_000
"""Below the kernel's range of outgoing ports (32768 on), so that no client of ours sits on a listener's port."""
_turn = itertools.count()


def free_offset() -> int:
    """An offset whose four ports nobody listens on; another one at each call, and in each process."""
    spread = (_HIGHEST - _LOWEST) // _STEP
    for _ in range(spread * 3):
        number = os.getpid() + next(_turn)
        offset = _LOWEST + (number % spread) * _STEP + (number // spread) % 10
        if all(is_free(port + offset) for port in WELL_KNOWN):
            return offset
    raise RuntimeError("no free ports for a server")


def is_free(port: int) -> bool:
    """Whether nobody listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
