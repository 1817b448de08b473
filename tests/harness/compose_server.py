"""A whole server as docker-compose.yml runs it: the command of each container, beside real NATS and PostgreSQL.

What differs from Docker is named here: the ports, which tests choose; the addresses of NATS and PostgreSQL; and the
settings of all servers under test, which are in mailfold.env, as an operator may have them.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mailfold.layouts import START_ORDER
from mailfold.supervisor.report import Process, Report, State
from tests.harness.command import Command
from tests.harness.compose_file import read_compose_file
from tests.harness.containers import Containers
from tests.harness.image import read_image
from tests.harness.server import MailfoldServer
from tests.parts.child import Child, PartFailed
from tests.parts.nats import NatsServer

HOST = "mx.example.org"
_OPERATOR = "mailfold"
_START_SECONDS, _STOP_SECONDS = 120.0, 45.0
_DATA = Path("/var/lib/mailfold")
_AT_POSTGRES = "@postgres:5432/mailfold"


class _ContainerCommand(Command):
    """The operator's command in its container, as `docker compose run --rm mailfold …`."""

    def __init__(self, script: Path) -> None:
        super().__init__(_DATA)
        self._program = (str(script),)


class ComposeServer(MailfoldServer):
    """`with ComposeServer(store=url) as server`, like MailfoldServer. `store` is a database of a real PostgreSQL."""

    def __init__(self, store: str) -> None:
        super().__init__(layout="compose", store=store)
        self._project = self._folder.path
        self._nats = NatsServer()
        changed = {"MAILFOLD_BUS_URL": self._nats.url, "MAILFOLD_SERVER_PORT_OFFSET": str(self.offset)}
        self.model = read_compose_file({"MAILFOLD_HOSTNAME": HOST})
        self.containers = Containers(self._project, self.model["services"], read_image(), changed)
        self._children: dict[str, Child] = {}

    def start(self) -> None:
        """Run the set-up, and start NATS and every service. Raises PartFailed with the ends of the logs."""
        began = time.monotonic()
        self._write_settings()
        self._prepare()
        self._nats.start()
        self._children = {service: self.containers.start(service) for service in START_ORDER}
        end = began + _START_SECONDS
        while not self._serves():
            ended = [name for name, child in self._children.items() if child.process.poll() is not None]
            if ended or time.monotonic() > end:
                raise PartFailed(f"not every container serves; ended: {ended}\n{self.log_tails()}")
            time.sleep(0.1)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> int:
        """Stop every container as Docker does; returns the first exit status that is not 0."""
        children, self._children = self._children, {}
        for child in children.values():
            child.process.send_signal(signal.SIGTERM)
        states = [child.stop(signal.SIGTERM, _STOP_SECONDS) for child in reversed(children.values())]
        self._nats.stop()
        return next((state for state in states if state), 0)

    def kill(self) -> None:
        """Kill every container and NATS at once, as a power failure would."""
        for child in self._children.values():
            child.kill()
        self._children = {}
        self._nats.kill()

    def stop_container(self, name: str) -> int:
        """Stop one container; returns its exit status."""
        return self._children.pop(name).stop(signal.SIGTERM, _STOP_SECONDS)

    def start_container(self, name: str) -> None:
        """Start one container again; it may not serve yet when this returns."""
        self._children[name] = self.containers.start(name)

    @property
    def command(self) -> Command:
        """The operator's command for this server."""
        return _ContainerCommand(self.containers.script(_OPERATOR, ()))

    def report(self) -> Report | None:
        """The running containers."""
        if not self._children:
            return None
        processes = (
            Process(name, (name,), State.RUNNING, child.pid, 0, 0, 0, "") for name, child in self._children.items()
        )
        return Report(self._nats.pid, tuple(processes))

    def log_tails(self) -> str:
        """The ends of the logs of all containers."""
        logs = {name: self.containers.log(name) for name in START_ORDER}
        return "\n".join(f"--- {name}\n{log.read_text('utf-8')[-3000:]}" for name, log in logs.items() if log.exists())

    def close(self, *, failed: bool = False) -> None:
        """Stop everything and remove temporary files."""
        try:
            super().close(failed=failed)
        finally:
            self._nats.folder.close(keep=failed)

    def _serves(self) -> bool:
        sockets = (Path(self.places.socket(service).removeprefix("unix:")) for service in START_ORDER)
        return all(socket.exists() for socket in sockets) and self._ready()

    def _write_settings(self) -> None:
        ours = {name: value for name, value in self.settings.items() if name != "MAILFOLD_SERVER_STORE"}
        lines = (f"{name}={value}\n" for name, value in ours.items())
        (self._project / "mailfold.env").write_text("".join(lines), "utf-8")

    def _prepare(self) -> None:
        """Run the set-up, and name the database of the test in the place of that of the container."""
        done = self.containers.run("prepare")
        if done.returncode:
            raise PartFailed(f"prepare ended with {done.returncode}: {done.stdout}{done.stderr}")
        url = self.containers.volume("keys-store") / "url"
        user = urlsplit(url.read_text("ascii")).netloc.partition("@")[0]
        assert url.read_text("ascii") == f"postgresql://{user}{_AT_POSTGRES}"
        url.write_text(self.store.replace("//mailfold@", f"//{user}@"), "ascii")
        self._show_data()

    def _show_data(self) -> None:
        """Show the volumes in one data folder, in which tests look."""
        shown: dict[str, Path] = {f"run/{name}": self.containers.volume(f"socket-{name}") for name in START_ORDER}
        shown |= {name: self.containers.volume(name) for name in ("blobs", "tls", "cache")}
        shown["secrets/operator.json"] = self.containers.volume("keys-operator") / "operator.json"
        for name, target in shown.items():
            link = self.data / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(target)


def published(service: dict[str, Any]) -> dict[int, int]:
    """The ports that a service publishes: port of the machine → port in the container."""
    pairs = [entry.rsplit(":", 2)[-2:] for entry in service.get("ports", [])]
    return {int(outer): int(inner) for outer, inner in pairs}
