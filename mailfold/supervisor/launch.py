"""Starts a child process in its own session, with its output in a pipe; it dies when the supervisor dies."""

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
_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
_LIBC = ctypes.CDLL(None, use_errno=True)
_TASKS = Path("/proc/self/task")


class ThreadsInParent(RuntimeError):
    """A process with threads must not be forked, because the copy would hold their locks forever."""


def launch(start: Spawn | Fork, close: Collection[int]) -> tuple[int, int]:
    """Start a child; returns its pid and the descriptor of its output.

    `close` lists descriptors of the supervisor that a fork must not keep. Raises ThreadsInParent for a fork, and
    OSError when no process or pipe can be made.
    """
    if isinstance(start, Fork):
        _check_single_threaded()
        gc.freeze()  # the collector ignores existing objects, so that their memory stays shared
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)  # a signal to the child must not run the supervisor's handlers
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
    """Run the child; never returns into the supervisor's loop."""
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
    os.setsid()  # a Ctrl-C reaches only the supervisor, which stops the children in order
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
    """Let the kernel kill this process when the supervisor ends, in whatever way. It survives `exec`. Linux only."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the supervisor ended before the call above
            os._exit(1)


def _run(start: Spawn | Fork) -> None:
    if isinstance(start, Fork):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        start.main()
        return
    os.execvpe(start.argv[0], list(start.argv), {**os.environ, **start.environment})  # noqa: S606
