"""A port offset whose well-known ports are free."""

from __future__ import annotations

import itertools
import os
import socket

SMTP, SUBMISSIONS, SUBMISSION, IMAPS, MANAGESIEVE, POP3, POP3S = 25, 465, 587, 993, 4190, 110, 995
WELL_KNOWN = (SMTP, SUBMISSIONS, SUBMISSION, IMAPS, MANAGESIEVE, POP3, POP3S)
_LOWEST, _STEP, _STEPS, _PER_STEP = 10_000, 1_000, 18, 16
"""Below the kernel's range of outgoing ports (from 32768), so that no client of ours occupies a listener's port.
With 16 offsets at each of 18 steps no two servers share a port: those of a step are never 2 apart, as 993 and 995 are,
and less than 30, which is how far 25 is from 995 of the step before."""
_turn = itertools.count()


def free_offset() -> int:
    """A port offset for which all ports are free; each call and each worker gets another one."""
    for _ in range(_STEPS * 3):
        offset = offset_of(_number(next(_turn)))
        if all(is_free(port + offset) for port in WELL_KNOWN):
            return offset
    raise RuntimeError("no free ports for a server")


def offset_of(number: int) -> int:
    """The offset of this number; they repeat after 288."""
    place = number // _STEPS % _PER_STEP
    return _LOWEST + number % _STEPS * _STEP + place // 2 * 4 + place % 2


def _number(turn: int) -> int:
    """A number that no other worker of this run takes (pytest-xdist names them gw0, gw1, …)."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return run + worker + turn * workers


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
