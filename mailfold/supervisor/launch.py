"""Starts one child process: its own session, its output into a pipe, and its death when the supervisor dies."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from mailfold.supervisor.child import Fork, Spawn

_PR_SET_PDEATHSIG = 1
_CANNOT_EXECUTE = 127
_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_LIBC = ctypes.CDLL(None, use_errno=True)
_TASKS = Path("/proc/self/task")


class ThreadsInParent(RuntimeError):
    """A process with threads must not be forked: the copy would hold their locks for ever."""


def launch(start: Spawn | Fork, close: Collection[int]) -> tuple[int, int]:
    """The child's pid and the descriptor to read its output from. `close`: descriptors of the supervisor that a fork
    must not keep.

    Raises ThreadsInParent for a fork, OSError when no process or pipe can be made."""
    if isinstance(start, Fork):
        _check_single_threaded()
        gc.freeze()  # the collector leaves what is there alone, so that the copies share it
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)  # one sent to the child must not meet the supervisor's handlers
    try:
        pid = os.fork()
        if pid == 0:
            _become_child(start, writer, {*close, reader}, parent)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _RESET)
    os.close(writer)
    os.set_blocking(reader, False)
    return pid, reader


def _check_single_threaded() -> None:
    count = len(list(_TASKS.iterdir())) if _TASKS.exists() else threading.active_count()
    if count > 1:
        raise ThreadsInParent(f"the supervisor has {count} threads; a child cannot be forked from it")


def _become_child(start: Spawn | Fork, output: int, close: Collection[int], parent: int) -> NoReturn:
    """Whatever happens, this copy of the supervisor never returns into its loop."""
    status = 1
    try:
        _leave_parent(output, close, parent)
        _run(start)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = _CANNOT_EXECUTE if isinstance(start, Spawn) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _leave_parent(output: int, close: Collection[int], parent: int) -> None:
    os.setsid()  # a Ctrl-C goes to the supervisor alone, which stops the children in order
    _die_with_parent(parent)
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RESET)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for fd in (*close, output, nothing):
        if fd > 2:
            os.close(fd)


def _die_with_parent(parent: int) -> None:
    """The kernel kills this process when the supervisor ends, however it ends. It survives `exec`. Linux alone."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)


def _run(start: Spawn | Fork) -> None:
    if isinstance(start, Fork):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        start.main()
        return
    os.execvpe(start.argv[0], list(start.argv), {**os.environ, **start.environment})  # noqa: S606
