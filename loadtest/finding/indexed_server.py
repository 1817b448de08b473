"""A Mailfold that is started by the load test with the text index off, and again with it on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from loadtest import mailfold_command
from loadtest.content.profile import Profile
from loadtest.finding.figures import IndexCost, IndexedDelivery, IndexMemory
from loadtest.finding.index_files import until_complete
from loadtest.measure.bench import Meters, per_message
from loadtest.measure.latency import measure_latency
from loadtest.meter.memory import memory
from loadtest.meter.server_processes import ServerProcesses
from loadtest.reading.measure import ReadServer
from loadtest.started_server import StartedServer, add_users
from loadtest.target import Target
from loadtest.watching import Progress

NAME = "Mailfold"
WATCHERS = 10
"""Users whose INBOX gets mail."""
OFF = {"MAILFOLD_INDEX_ENGINE": "off"}
ON = {"MAILFOLD_INDEX_ENGINE": "embedded", "MAILFOLD_INDEX_FILL_SHARE": "1"}
_LIMIT = 6 * 3600.0
_QUIET = 120.0


class IndexedServer:
    """`async with indexed_server(…) as server`. Its methods raise CommandFailed and RuntimeError."""

    def __init__(self, started: StartedServer, target: Target, progress: Progress) -> None:
        self._started = started
        self.target = target
        self._progress = progress

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._started.data / "data"

    @property
    def read(self) -> ReadServer:
        """The server as its first user sees it."""
        return ReadServer(NAME, self.target.imap_port, self.target.login(0), self.target.password, 0)

    async def processes(self) -> ServerProcesses:
        """Its processes as they are now."""
        return mailfold_command.processes(await mailfold_command.status(self.data), self._started.pid)

    async def restart(self, settings: dict[str, str]) -> None:
        """Start it again with other settings."""
        await self._started.restart(settings)

    async def cpu_of_start(self) -> dict[str, float]:
        """Start it without an index; the CPU seconds of each process until it is quiet."""
        await self.restart(OFF)
        return await self._settled_cpu()

    async def index(self, mails: int, of_start: dict[str, float]) -> IndexCost:
        """Start it with an index, which takes all mail; `of_start` is subtracted."""
        began = time.monotonic()
        await self.restart(ON)
        await until_complete(self.data, mails, _LIMIT)
        seconds = time.monotonic() - began
        cpu = await self._settled_cpu()
        before = {name: min(cpu[name], of_start.get(name, 0.0)) for name in cpu}
        return IndexCost(
            server=NAME,
            seconds=round(seconds, 2),
            mails_per_second=round(mails / seconds, 1),
            cpu_ms_per_mail=per_message(before, cpu, mails),
        )

    async def memory(self, state: str, rest: float) -> IndexMemory:
        """The memory after `rest` quiet seconds."""
        processes = await self.processes()
        meters = Meters(processes)
        await meters.quiet(self._progress, _QUIET)
        await asyncio.sleep(rest)
        return IndexMemory(state=state, memory=memory(processes))

    async def deliver(self, engine: str, rate: float, mails: int) -> IndexedDelivery:
        """Send mail to it at a fixed rate. Raises OSError, ImapRefused too."""
        meters = Meters(await self.processes())
        await meters.quiet(self._progress, _QUIET)
        before = meters.cpu()
        profile = Profile(domain=self.target.domain, users=self.target.users, attachment_share=0.0)
        latency = await measure_latency(
            self.target, profile, rate=rate, count=mails, by="noop", progress=self._progress
        )
        await meters.quiet(self._progress, _QUIET)
        return IndexedDelivery(
            engine=engine,
            rate=rate,
            sent=latency.sent,
            seen=latency.seen,
            p50_ms=latency.arrival_ms.p50,
            p99_ms=latency.arrival_ms.p99,
            cpu_ms_per_mail=per_message(before, meters.cpu(), mails),
        )

    async def _settled_cpu(self) -> dict[str, float]:
        meters = Meters(await self.processes())
        await meters.quiet(self._progress, _QUIET)
        return meters.cpu()


@contextlib.asynccontextmanager
async def indexed_server(
    offset: int, settings: dict[str, str], progress: Progress, *, keep: bool = False
) -> AsyncIterator[IndexedServer]:
    """A Mailfold with users. Raises CommandFailed, RuntimeError."""
    target = Target(smtp_port=25 + offset, imap_port=993 + offset, users=WATCHERS)
    async with StartedServer(target, offset, keep=keep, settings=settings) as started:
        with progress.bar("users", target.users) as step:
            await add_users(target, started.data / "data", step)
        yield IndexedServer(started, target, progress)
