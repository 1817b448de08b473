"""The processes of an installation, as children of the supervisor."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mailfold import catalogue
from mailfold.launcher import capabilities
from mailfold.launcher.installation import Installation
from mailfold.layouts import BUS, LISTENERS, depends
from mailfold.operator.identity import ROOT
from mailfold.supervisor.child import Child, Fork, Spawn
from shared.bus.nats_server import NatsServer, prepare
from shared.bus.settings import BusSettings
from shared.settings import environment_name
from shared.starting import read_progress


def children(installation: Installation) -> list[Child]:
    """The bus, unless the settings name another one, and the processes of the services. Raises NatsServerMissing."""
    _import_services(installation)
    if installation.settings.of(BusSettings).url:
        return [_process(installation, name, {}, ()) for name in installation.layout]
    places = installation.places
    server = prepare(places.nats, places.bus_file, places.log / f"{BUS}.log")
    bus = Child(BUS, Spawn(server.argv, server.environment), ready=lambda _pid: server.is_ready())
    return [bus, *(_process(installation, name, _bus_environment(server), (BUS,)) for name in installation.layout)]


def _import_services(installation: Installation) -> None:
    """Import all services before the first fork, so that the processes share that memory."""
    for services in installation.layout.values():
        for service in services:
            catalogue.app_module(service)


def _process(installation: Installation, name: str, bus: dict[str, str], before: tuple[str, ...]) -> Child:
    ready_file = installation.places.ready_file(name)
    ready_file.unlink(missing_ok=True)
    services = installation.layout[name]
    main = _main(name, installation, {**installation.environment, **bus})
    needs = (*before, *depends(installation.layout, name))
    progress_file = installation.places.progress_file(name)
    return Child(
        name,
        Fork(main),
        ready=lambda pid: holds(ready_file, pid),
        depends=needs,
        services=services,
        doing=lambda pid: read_progress(progress_file, pid),
    )


def _main(name: str, installation: Installation, environment: dict[str, str]) -> Callable[[], None]:
    def main() -> None:
        # Both are done before any code runs that a stranger can reach.
        credentials = installation.parts.take(name)
        if os.geteuid() != ROOT and LISTENERS.isdisjoint(installation.layout[name]):
            capabilities.give_up()
        from shared.service import run

        os.environ.update(environment)
        builds = catalogue.builds(installation.layout[name])
        run(name, builds, catalogue.sections(), installation.places.data, credentials)

    return main


def holds(ready_file: Path, pid: int) -> bool:
    """Whether the file holds this process id; a file left by a killed process has another one."""
    try:
        return ready_file.read_text() == str(pid)
    except OSError:
        return False


def _bus_environment(server: NatsServer) -> dict[str, str]:
    access = server.access
    given = {"bus.url": access.url, "bus.user": access.user, "bus.password": access.password}
    return {environment_name(name): value for name, value in given.items()}
