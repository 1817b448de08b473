"""A filter of system calls (seccomp): no sockets, no programs, no processes, no signals, nothing of other processes.

It holds for x86-64 and arm64, and needs no privileges once the process can gain none.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_THREAD = 0x00010000
_FOREIGN_NUMBERS = 0x40000000
"""From here on, numbers belong to the x32 ABI of x86-64."""
_CLONE3 = 435
_FORBIDDEN_EVERYWHERE = (424, 425, 428, 429, 430, 431, 432, 434, 438, 442)
"""pidfd_send_signal, io_uring_setup, the new mount calls, pidfd_open, pidfd_getfd, mount_setattr."""
# socket, bind, listen, connect, execve, execveat, kill, rt_sigqueueinfo, ptrace, process_vm_readv, process_vm_writev,
# setns, unshare, mount, bpf, userfaultfd, perf_event_open, open_by_handle_at, keyctl, add_key, request_key
_X86 = (41, 49, 50, 42, 59, 322, 62, 129, 101, 310, 311, 308, 272, 165, 321, 323, 298, 304, 250, 248, 249, 57, 58)
_ARM = (198, 200, 201, 203, 221, 281, 129, 138, 117, 270, 271, 268, 97, 40, 280, 282, 241, 265, 219, 217, 218)
_MACHINES = {"x86_64": (0xC000003E, 56, _X86), "aarch64": (0xC00000B7, 220, _ARM)}
"""By machine: the architecture's number, clone, and what is forbidden (on x86-64 fork and vfork too)."""


def filter_calls(libc: ctypes.CDLL) -> str:
    """Install the filter for this thread and those it starts; "" where there is none for this machine."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        return ""
    program = _program(*machine)
    buffer = ctypes.create_string_buffer(program, len(program))
    pointer = ctypes.cast(buffer, ctypes.c_void_p).value or 0
    description = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", len(program) // 8, pointer))
    return "seccomp" if libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(description), 0, 0) == 0 else ""


def _program(architecture: int, clone: int, forbidden: tuple[int, ...]) -> bytes:
    """The filter in the form of classic BPF. Jumps count the steps that they pass over."""
    refusal = _RETURN, 0, 0, _FAIL | errno.EPERM
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN_NUMBERS),
        refusal,
        # The C library then uses clone, whose flags can be looked at.
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _THREAD),
        refusal,
        (_RETURN, 0, 0, _ALLOW),
    ]
    for number in (*forbidden, *_FORBIDDEN_EVERYWHERE):
        steps += [(_EQUAL, 0, 1, number), refusal]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
