"""Runs the sink as a process, until it is asked to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from mailfold.sink.limits import SinkLimits
from mailfold.sink.maildir import SinkMaildir
from mailfold.sink.server import serve


def run(maildir: SinkMaildir, address: str, port: int, limits: SinkLimits, serving: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT; `serving` is called with the port once it serves. Raises OSError."""
    asyncio.run(_run(maildir, address, port, limits, serving))


async def _run(
    maildir: SinkMaildir, address: str, port: int, limits: SinkLimits, serving: Callable[[int], None]
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await serve(maildir, address, port, limits)
    serving(server.sockets[0].getsockname()[1])
    await stopped.wait()
    server.close()
