"""The processes of a server under test, as its supervisor reports them, and their kills."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailfold.supervisor.report import Process, State
from tests.chaos.conditions import pause, until
from tests.harness.server import MailfoldServer
from tests.parts.postgres import PostgresServer

LAUNCHER = "launcher"
BUS = "nats"
DATABASE = "postgresql"
_BACK_SECONDS = 60.0
_GONE_SECONDS = 60.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Strike:
    """A kill: a moment, or the time in which a database server was away or the children of the launcher ended.

    Times are seconds since the epoch.
    """

    name: str
    began: float
    ended: float


class Victims:
    """Kills with SIGKILL only; a separate database server ends as in a power cut."""

    def __init__(self, server: MailfoldServer, database: PostgresServer | None = None) -> None:
        self._server = server
        self._database = database
        self.killed: Counter[str] = Counter()
        self.wiped = 0
        self.strikes: list[Strike] = []

    def names(self) -> list[str]:
        """Every process under the supervisor, and the database server."""
        return [process.name for process in self._processes()] + [DATABASE] * (self._database is not None)

    async def kill(self, name: str) -> None:
        """Kill the process, after waiting until it runs: it may still be starting after the previous kill."""
        if name == LAUNCHER:
            await self._kill_launcher()
            return
        if name == DATABASE:
            await self._crash_database()
            return
        await until(lambda: self._pid(name) > 0, f"{name} to be started again", _BACK_SECONDS, look=0.01)
        with suppress(ProcessLookupError):
            os.kill(self._pid(name), signal.SIGKILL)
            self._struck(name)
            self.killed[name] += 1

    async def keep_away(self, name: str, seconds: float, *, hangs: bool) -> None:
        """Keep the process away for so many seconds: it is stopped, or killed at each of its starts."""
        if name == DATABASE:
            await self._crash_database(seconds)
        elif hangs:
            await until(lambda: self._pid(name) > 0, f"{name} to be started again", _BACK_SECONDS, look=0.01)
            os.kill(self._pid(name), signal.SIGSTOP)
            await pause(seconds)
            await self.kill(name)
        else:
            await self.kill(name)
            await self._kill_again(name, seconds)

    async def _kill_again(self, name: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await pause(_LOOK_SECONDS)
            if pid := self._pid(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self._struck(name)

    async def wipe_bus(self) -> None:
        """Kill the bus, and delete all that it has on disk before it is started again."""
        await self.kill(BUS)
        gone = self._server.data / "gone"
        self._server.places.nats.rename(gone)
        shutil.rmtree(gone)
        self.wiped += 1

    async def back(self, name: str) -> float:
        """Wait until the supervisor reports that it runs; returns the seconds that this took."""
        if name == DATABASE:
            return 0.0  # it was started again at once
        return await until(lambda: self._state(name) is State.RUNNING, f"{name} to be back", _BACK_SECONDS)

    async def all_back(self) -> None:
        """Wait until every process serves."""
        for name in self.names():
            await self.back(name)

    async def _crash_database(self, seconds: float = 0.0) -> None:
        assert self._database is not None
        began = time.time()
        await asyncio.to_thread(self._database.crash)
        await pause(seconds)
        await asyncio.to_thread(self._database.start)
        self._struck(DATABASE, began)
        self.killed[DATABASE] += 1

    async def _kill_launcher(self) -> None:
        """Kill the launcher, with which its children must end, and start it again as an init system would."""
        report = self._server.report()
        assert report is not None
        pids = [report.supervisor, *(process.pid for process in report.processes if process.pid)]
        began = time.time()
        os.kill(report.supervisor, signal.SIGKILL)
        self.killed[LAUNCHER] += 1
        await until(lambda: not any(map(_runs, pids)), "the children's death with their launcher", _GONE_SECONDS)
        self._struck(LAUNCHER, began)
        await asyncio.to_thread(self._server.start)

    def _struck(self, name: str, began: float | None = None) -> None:
        now = time.time()
        self.strikes.append(Strike(name, now if began is None else began, now))

    def strikes_at(self, service: str) -> list[Strike]:
        """The kills that stopped this service, or the commits of its events: of its process, the launcher, the
        database."""
        names = {process.name for process in self._processes() if service in process.services}
        return [strike for strike in self.strikes if strike.name in names | {LAUNCHER, DATABASE}]

    def _processes(self) -> tuple[Process, ...]:
        report = self._server.report()
        return report.processes if report else ()

    def _process(self, name: str) -> Process | None:
        return next((process for process in self._processes() if process.name == name), None)

    def _pid(self, name: str) -> int:
        process = self._process(name)
        return process.pid if process and process.pid and _runs(process.pid) else 0

    def _state(self, name: str) -> State | None:
        process = self._process(name)
        return process.state if process and process.pid and _runs(process.pid) else None


def _runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
