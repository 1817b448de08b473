"""Takes from this process what reading a document does not need: the network, files, other programs, privileges.

What the kernel does not permit is left out and reported. Without a network namespace, Landlock forbids TCP (from ABI
4), and the filter of system calls forbids to make sockets at all. Without Landlock, files are protected by their
permissions only.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from services.indexer.extraction.child.system_calls import filter_calls
from services.indexer.extraction.wire import Confinement

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38
_KILL = 9
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Rights over files that the Landlock of a kernel knows, by its ABI."""
_TCP = 0b11
_SCOPES = 0b11
"""Abstract sockets of others, and signals to others."""


def confine(root: str) -> Confinement:
    """Confine this process, which has one thread, and say by which of the kernel's ways."""
    isolated = _LIBC.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0
    # A new user namespace clears the signal, so it is set afterwards.
    _LIBC.prctl(_SET_DEATH_SIGNAL, _KILL, 0, 0, 0)
    _LIBC.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    abi = _restrict_files(root)
    calls = filter_calls(_LIBC)
    network = "namespace" if isolated else "filter" if calls else "landlock" if abi >= 4 else ""
    return Confinement(network=network, files=f"landlock {abi}" if abi else "", calls=calls)


def _restrict_files(root: str) -> int:
    """Allow to read the code and the libraries only; the ABI of Landlock, or 0 where the kernel does not have it."""
    abi = max(0, _call(_CREATE_RULESET, None, 0, _VERSION))
    if not abi:
        return 0
    handled = (1 << _RIGHTS.get(abi, 16)) - 1
    attributes = struct.pack("=QQQ", handled, _TCP, _SCOPES)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return 0
    for folder in _readable(root):
        _allow(rules, folder)
    restricted = _call(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return abi if restricted else 0


def _readable(root: str) -> Iterator[str]:
    """The folders of the interpreter's own modules, the installed packages, this program, and the libraries."""
    yield from {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    yield from (str(Path(root, name)) for name in ("shared", "services/indexer"))
    yield from (
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/local/lib",
        os.environ.get("TMPDIR", "/lib"),
        str(Path(sys.base_prefix, "lib")),
    )


def _allow(rules: int, folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return  # Not every system has each of them.
    _call(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", _READ_FILE | _READ_FOLDER, descriptor), 0)
    os.close(descriptor)


def _call(number: int, *arguments: bytes | int | None) -> int:
    values = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    return int(_LIBC.syscall(ctypes.c_long(number), *values))
