"""DNS servers for tests: our zone server on a thread, and dnsmasq as a second implementation."""

from __future__ import annotations

import asyncio
import shutil
import threading
from concurrent.futures import Future
from types import TracebackType

from loadtest.zone.answers import Faults
from loadtest.zone.data import Zone
from loadtest.zone_server import ZoneServer
from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port


def reason_missing() -> str | None:
    """None: it is our own Python code."""
    return None


class ZoneServerThread:
    """`with ZoneServerThread(zone) as dns: … dns.address`, for tests without an event loop or with a server process.

    The zone and its faults may be changed while it runs, because each question reads them once.
    """

    def __init__(self, zone: Zone, faults: Faults | None = None, *, authentic: bool = False) -> None:
        self.server = ZoneServer(zone, faults=faults, authentic=authentic)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="zone server", daemon=True)

    @property
    def address(self) -> str:
        """`host:port`, as a resolver setting takes it."""
        return self.server.address

    @property
    def port(self) -> int:
        """UDP and TCP."""
        return self.server.port

    def start(self) -> None:
        """Start it; returns when it answers. Raises OSError."""
        self._thread.start()
        self._finished(asyncio.run_coroutine_threadsafe(self.server.start(), self._loop))

    def stop(self) -> None:
        """Close its sockets and end the thread."""
        self._finished(asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> ZoneServerThread:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _finished(self, future: Future[None]) -> None:
        future.result(10)


class Dnsmasq:
    """`with Dnsmasq(["address=/mx.example/127.0.0.1"]) as dns`: dnsmasq with these configuration lines and no
    upstream."""

    def __init__(self, lines: list[str]) -> None:
        self.port = free_port()
        self._lines = [
            "no-resolv",
            "no-hosts",
            "bind-interfaces",
            "listen-address=127.0.0.1",
            f"port={self.port}",
            "user=root",
            *lines,
        ]
        self._folder = Folder("dnsmasq")
        self._child: Child | None = None

    @staticmethod
    def reason_missing() -> str | None:
        """None when dnsmasq is installed."""
        return None if _dnsmasq() else "no dnsmasq (make parts, or apt install dnsmasq-base)"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; returns when it accepts connections. Raises PartFailed."""
        config = self._folder.path / "dnsmasq.conf"
        config.write_text("\n".join([*self._lines, ""]))
        self._child = Child(
            [_dnsmasq() or "dnsmasq", "-k", "-C", str(config), "--pid-file="], self._folder.path / "dnsmasq.log"
        )
        self._child.wait_until(lambda: accepts(self.port))

    def stop(self) -> None:
        """Stop it."""
        if self._child:
            self._child.stop()
        self._child = None

    def __enter__(self) -> Dnsmasq:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.close(keep=error is not None)


def _dnsmasq() -> str | None:
    return shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin:/usr/local/sbin")
