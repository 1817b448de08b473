"""Builds a bench from the options: a server (running or started), meters, and a supply of mail."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from loadtest import mailfold_command
from loadtest.content.profile import Profile
from loadtest.figures import Idle, Report
from loadtest.imap.counts import open_all
from loadtest.imap.session import ImapSession
from loadtest.measure.bench import Meters, Supply
from loadtest.meter.fsyncs import method
from loadtest.meter.memory import memory
from loadtest.meter.proc import read_times
from loadtest.meter.server_processes import ServerProcesses
from loadtest.started_server import StartedServer, add_users
from loadtest.target import Target
from loadtest.watching import Progress


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

    target: Target
    profile: Profile
    first: int = 0
    """The number of the first mail."""
    start: bool = False
    offset: int = 10000
    data: Path | None = None
    pids: tuple[int, ...] = ()
    """The processes of a server that does not report them."""
    create_users: bool = False
    keep: bool = False
    quiet: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """Everything that a measurement needs."""

    target: Target
    meters: Meters
    supply: Supply
    progress: Progress

    @contextlib.asynccontextmanager
    async def sessions(self) -> AsyncIterator[dict[int, ImapSession]]:
        """An IMAP session for every user, to see what arrives. Raises OSError, ImapRefused."""
        with self.progress.bar("IMAP logins", self.target.users) as step:
            opened = await open_all(self.target, step)
        try:
            yield opened
        finally:
            for session in opened.values():
                session.close()

    def empty_report(self) -> Report:
        """A report with time, machine and options, and with the present memory of the server."""
        return empty_report(self.meters)


def empty_report(meters: Meters) -> Report:
    """A report with time and machine, and with the present memory of the server."""
    machine = f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    began = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(began=began, machine=machine, fsync_method=meters.fsync_method, idle=_idle(meters))


def _idle(meters: Meters) -> Idle | None:
    if meters.server is None:
        return None
    sizes = memory(meters.server)
    return Idle(memory=sizes, memory_total=sum(sizes.values()))


@contextlib.asynccontextmanager
async def bench(options: Options) -> AsyncIterator[Bench]:
    """Start what must be started, and build the bench. Raises CommandFailed, RuntimeError."""
    progress = Progress(silent=options.quiet)
    async with contextlib.AsyncExitStack() as stack:
        data, root = options.data, None
        if options.start:
            progress.say("starting the server")
            server = await stack.enter_async_context(StartedServer(options.target, options.offset, keep=options.keep))
            data, root = server.data / "data", server.pid
        if data and (options.start or options.create_users):
            with progress.bar("users", options.target.users) as step:
                await add_users(options.target, data, step)
        meters = await _meters(data, root, options.pids)
        await meters.quiet(progress)
        yield Bench(options.target, meters, Supply(options.profile, options.first), progress)


async def _meters(data: Path | None, root: int | None, pids: tuple[int, ...]) -> Meters:
    if data:
        return Meters(mailfold_command.processes(await mailfold_command.status(data), root), method(), data)
    names = {pid: times.name for pid in pids if (times := read_times(pid))}
    return Meters(ServerProcesses(names), method()) if names else Meters()
