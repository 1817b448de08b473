"""Notices when the reader of a command's output has gone, for commands that may print nothing for hours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def while_somebody_reads() -> Iterator[None]:
    """Leave the block when the pipe of standard output has lost its reader, as with `… | head`.

    Other kinds of output are not watched.
    """
    task, loop, output = asyncio.current_task(), asyncio.get_running_loop(), sys.stdout.fileno()
    assert task is not None
    if not stat.S_ISFIFO(os.fstat(output).st_mode):
        yield
        return
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        loop.remove_reader(output)
        task.cancel()

    loop.add_reader(output, leave)  # the writing end of a pipe becomes «readable» when the other end is closed
    try:
        yield
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(output)
