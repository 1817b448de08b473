"""A process of its own that waits for the first start and then says what listens where: the launcher itself must stay
free of gRPC.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

from mailfold.operator.failure import CommandFailed, our_fault


class Announcer:
    """Forked before anything starts; a pipe tells it when all is ready."""

    def __init__(self, announce: Callable[[], None]) -> None:
        reader, self._writer = os.pipe()
        sys.stdout.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _wait_and_announce(reader, self._writer, announce)
        os.close(reader)

    def ready(self) -> None:
        """Everything serves."""
        with contextlib.suppress(OSError):
            os.write(self._writer, b"!")

    def close(self) -> None:
        """The launcher ends."""
        os.close(self._writer)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _wait_and_announce(reader: int, writer: int, announce: Callable[[], None]) -> None:
    """Never returns into the launcher's code."""
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
    """The server runs all the same; nobody may hear this either."""
    with contextlib.suppress(OSError):
        print(f"mailfold: what listens where could not be said: {error}", file=sys.stderr, flush=True)
