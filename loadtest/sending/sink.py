"""Postfix's smtp-sink: it takes all mail and throws it away; it counts, or keeps one mail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from loadtest.sending.programs import find, free_port, listens, stop

_BACKLOG = "500"
_COUNTER = re.compile(rb"mesg=(\d+)")
_TAIL = 200
"""Octets of the last output that may hold an incomplete counter."""
_START = 10.0


def reason_missing() -> str | None:
    """The reason why there is no sink; None when there is."""
    return None if find("smtp-sink") else "no smtp-sink (apt install postfix)"


class Counter:
    """Reads the running counters that `smtp-sink -c` prints."""

    def __init__(self) -> None:
        self.mails = 0
        self.at = 0.0
        """When the last mail came, in monotonic seconds."""
        self._rest = b""

    def feed(self, data: bytes, now: float) -> None:
        """Take a piece of output that was read at `now`."""
        output = self._rest + data
        self._rest = output[-_TAIL:]
        # The last number may be incomplete until another octet follows it.
        counts = [int(match[1]) for match in _COUNTER.finditer(output) if match.end() < len(output)]
        if counts and counts[-1] > self.mails:
            self.mails, self.at = counts[-1], now


class Sink:
    """A running smtp-sink: `await sink.arrived(2000, limit)`."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.counter = Counter()
        self._changed = asyncio.Event()

    async def read(self, output: asyncio.StreamReader) -> None:
        """Follow the output to its end."""
        while data := await output.read(65536):
            self.counter.feed(data, time.monotonic())
            self._changed.set()

    async def arrived(self, count: int, limit: float) -> float:
        """Wait until `count` mails have arrived in all; returns when the last one came, in monotonic seconds.

        Raises TimeoutError after `limit` seconds.
        """
        try:
            async with asyncio.timeout(limit):
                while self.counter.mails < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.counter.mails} of {count} mails came to the sink in {limit:g} s") from None
        return self.counter.at


@contextlib.asynccontextmanager
async def counting(host: str, port: int) -> AsyncIterator[Sink]:
    """A sink that counts. Raises RuntimeError, OSError."""
    sink = Sink(host, port)
    process = await _started(["-c"], host, port)
    assert process.stdout is not None
    reading = asyncio.create_task(sink.read(process.stdout))
    try:
        yield sink
    finally:
        await stop(process)
        await reading


@contextlib.asynccontextmanager
async def keeping(host: str, port: int) -> AsyncIterator[Path]:
    """A sink that writes each mail into a file of the folder. Raises RuntimeError, OSError."""
    folder = _open_folder()
    process = await _started(["-d", "%s."], host, port, folder)
    try:
        yield folder
    finally:
        await stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _open_folder() -> Path:
    """A folder in which the sink may write after it gave up root's rights."""
    folder = Path(tempfile.mkdtemp(prefix="mailfold-load-sink-"))
    folder.chmod(0o777)
    return folder


async def _started(options: list[str], host: str, port: int, folder: Path | None = None) -> asyncio.subprocess.Process:
    privileges = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        find("smtp-sink") or "smtp-sink",
        *options,
        *privileges,
        f"{host}:{port}",
        _BACKLOG,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
    )
    await listens(process, "smtp-sink", host, port, _START)
    return process


def sink_port(host: str) -> int:
    """A port for a sink."""
    return free_port(host)
