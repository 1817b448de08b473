"""The capabilities of the server's processes: only that of binding ports below 1024 (capabilities(7)).

Also whether other programs may look into the processes.
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
    """Keep the capability to bind ports when root becomes another user in this block. Linux only."""
    if _LINUX:
        _LIBC.prctl(_SET_KEEPCAPS, 1, 0, 0, 0)
    yield
    keep_binding()
    if _LINUX:
        _LIBC.prctl(_SET_KEEPCAPS, 0, 0, 0, 0)


def keep_binding() -> None:
    """Give up all capabilities except that of binding ports, also for started programs. Raises OSError. Linux only."""
    if _LINUX:
        _restrict(_BIND)
        _LIBC.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
        _LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def give_up() -> None:
    """Give up all capabilities, in processes that do not listen for clients. Raises OSError. Linux only."""
    if _LINUX:
        _restrict(0)


def _restrict(allowed: int) -> None:
    """Restrict the calling thread, and the threads it starts."""
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
    """Set whether other processes of the same user may read this process's memory.

    The same applies to its environment and descriptors, to tracing, and to core files. Forked processes inherit it.
    Root may always do it. Linux only.
    """
    if _LINUX:
        _LIBC.prctl(_SET_DUMPABLE, int(traceable), 0, 0, 0)
