"""A server for the load test: its data is in a temporary folder, its DNS is our zone, and the command creates its
users."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from loadtest import mailfold_command
from loadtest.content.profile import user_name
from loadtest.target import Target

_START = 120.0
_STOP = 60.0
_POLL = 0.25
_COMMANDS_AT_ONCE = 2
PORTS = (25, 587, 993)


class StartedServer:
    """A server: `async with StartedServer(target, offset) as server`; its folder is kept after a failure."""

    def __init__(
        self, target: Target, offset: int, *, keep: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="mailfold-load-"))
        self._target = target
        self._offset = offset
        self._keep = keep
        self._settings = settings or {}
        self.resolver = ""
        """The address of the name server, `host:port`."""
        self._zone: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The launcher's process id."""
        return self._server.pid if self._server else None

    async def __aenter__(self) -> StartedServer:
        try:
            await self._start()
        except BaseException:
            self._stop(keep=True)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop(keep=self._keep or kind is not None)

    async def _start(self) -> None:
        self._refuse_taken_ports()
        port = _free_port()
        self.resolver = f"127.0.0.1:{port}"
        zone = [sys.executable, "-m", "loadtest", "zone", "--port", str(port), "--domain", self._target.domain]
        self._zone = self._spawn("zone.log", zone)
        await self._start_server()

    async def _start_server(self) -> None:
        settings = {
            "MAILFOLD_RESOLVER_ADDRESSES": self.resolver,
            "MAILFOLD_SERVER_TRACEABLE": "true",
            **self._settings,
        }
        up = mailfold_command.argv("up", "--data", str(self.data / "data"), "--port-offset", str(self._offset))
        self._server = self._spawn("server.log", up, settings)
        await self._wait_until_ready()

    async def restart(self, settings: Mapping[str, str]) -> None:
        """End the server, and start it again on the same data with other settings. Raises RuntimeError."""
        if self._server is not None:
            await asyncio.to_thread(_end, self._server)
        self._settings = settings
        await self._start_server()

    def _refuse_taken_ports(self) -> None:
        for port in PORTS:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port + self._offset)) == 0:
                    raise RuntimeError(f"port {port + self._offset} is taken; choose another --port-offset")

    def _spawn(self, log: str, argv: list[str], settings: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.data / log).open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=mailfold_command.environment(settings or {}),
            )

    async def _wait_until_ready(self) -> None:
        end = time.monotonic() + _START
        while not await self._is_ready():
            if self._server is None or self._server.poll() is not None:
                raise RuntimeError(f"the server ended: {self._log_tail()}")
            if time.monotonic() > end:
                raise RuntimeError(f"the server is not ready after {_START:g} s: {self._log_tail()}")
            await asyncio.sleep(_POLL)

    async def _is_ready(self) -> bool:
        with contextlib.suppress(mailfold_command.CommandFailed):
            return bool((await mailfold_command.status(self.data / "data")).get("ready"))
        return False

    def _log_tail(self) -> str:
        return (self.data / "server.log").read_text("utf-8", "replace")[-2000:]

    def _stop(self, *, keep: bool) -> None:
        for process in (self._server, self._zone):
            if process is not None:
                _end(process)
        if keep:
            print(f"kept: {self.data}", file=sys.stderr)
        else:
            shutil.rmtree(self.data, ignore_errors=True)


async def add_users(target: Target, data: Path, progress: Callable[[], None]) -> None:
    """Create the domain, and a user with an account for each user of the target. Raises CommandFailed."""
    where = ("--data", str(data))
    await mailfold_command.run("domain", "add", target.domain, "--incoming", *where)
    gate = asyncio.Semaphore(_COMMANDS_AT_ONCE)

    async def add(name: str) -> None:
        async with gate:
            await mailfold_command.run("user", "add", name, "--password-stdin", *where, text=f"{target.password}\n")
            await mailfold_command.run("account", "add", f"{name}@{target.domain}", "--user", name, *where)
        progress()

    await asyncio.gather(*(add(user_name(number)) for number in range(target.users)))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
