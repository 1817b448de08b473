"""What the server may do that other programs may not: bind ports below 1024, and nothing else (capabilities(7)). And
whether other programs may look into its processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

_BIND = 1 << 10  # CAP_NET_BIND_SERVICE
_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_SET_DUMPABLE, _SET_KEEPCAPS, _SET_NO_NEW_PRIVS, _AMBIENT, _AMBIENT_CLEAR_ALL = 4, 8, 38, 47, 4  # prctl(2)
_LINUX = sys.platform == "linux"
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Of what root may do, the binding of ports is kept when it becomes another user in this block. Linux alone."""
    if _LINUX:
        _LIBC.prctl(_SET_KEEPCAPS, 1, 0, 0, 0)
    yield
    keep_binding()
    if _LINUX:
        _LIBC.prctl(_SET_KEEPCAPS, 0, 0, 0, 0)


def keep_binding() -> None:
    """Give up all but the binding of ports; programs that are started get nothing, not even by their files' mode.
    Raises OSError. Linux alone.
    """
    if _LINUX:
        _restrict(_BIND)
        _LIBC.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
        _LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def give_up() -> None:
    """Give up everything: for processes that listen for nobody. Raises OSError. Linux alone."""
    if _LINUX:
        _restrict(0)


def _restrict(allowed: int) -> None:
    """For the calling thread, and for those that it starts."""
    header, sets = _Header(_VERSION, 0), (_Sets * 2)()
    _check(_LIBC.capget(ctypes.byref(header), sets))
    left = sets[0].permitted & allowed
    sets[0], sets[1] = _Sets(left, left, 0), _Sets(0, 0, 0)
    _check(_LIBC.capset(ctypes.byref(header), sets))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capabilities cannot be given up: {os.strerror(number)}")


def show_memory(traceable: bool) -> None:
    """Whether other processes of the same user may read this process's memory, environment and descriptors, trace it,
    and get core files of it. Copies of the process inherit it. Root may always. Linux alone."""
    if _LINUX:
        _LIBC.prctl(_SET_DUMPABLE, int(traceable), 0, 0, 0)
