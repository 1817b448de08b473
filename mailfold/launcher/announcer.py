"""A process that waits for the first start and then prints where clients connect.

The launcher cannot do this, because it must not import gRPC.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

from mailfold.operator.failure import CommandFailed, our_fault


class Announcer:
    """The process; it is forked before anything else starts, and a pipe tells it when all is ready."""

    def __init__(self, announce: Callable[[], None]) -> None:
        reader, self._writer = os.pipe()
        sys.stdout.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _wait_and_announce(reader, self._writer, announce)
        os.close(reader)

    def ready(self) -> None:
        """Report that everything serves."""
        with contextlib.suppress(OSError):
            os.write(self._writer, b"!")

    def close(self) -> None:
        """End the process."""
        os.close(self._writer)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _wait_and_announce(reader: int, writer: int, announce: Callable[[], None]) -> None:
    """Run in the forked process; never returns into the launcher's code."""
    status = 1
    try:
        os.setsid()
        os.close(writer)
        if os.read(reader, 1):
            announce()
            sys.stdout.flush()
        status = 0
    except OSError as error:
        _say(error)
    except CommandFailed as failure:
        _say(failure)
    except Exception as error:
        _say(our_fault(error))
    finally:
        os._exit(status)


def _say(error: Exception) -> None:
    """Report an error; the server runs even when nobody can read it."""
    with contextlib.suppress(OSError):
        print(f"mailfold: the listeners could not be shown: {error}", file=sys.stderr, flush=True)
