"""The state of the installation: the supervisor's report and the report of every service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from mailfold.layouts import START_ORDER
from mailfold.operator.failure import in_containers
from mailfold.operator.running import answers
from mailfold.operator.session import Session
from mailfold.supervisor.report import Process, State, read_report
from shared.grpc.errors import ServiceError

if TYPE_CHECKING:  # makes the command start faster
    from shared.rpc.mailfold.owner.v1 import owner_pb2


class Listener(msgspec.Struct, frozen=True):
    """A listener of a service."""

    service: str
    protocol: str
    address: str
    port: int
    tls: str
    connections: int = 0
    """Connections open now. This and the following numbers are totals of the protocol, over all its addresses."""
    room: int = 0
    """Connections for which there are file descriptors."""
    promised: int = 0
    """Connections that the settings allow."""
    refused: int = 0
    """Connections refused since the start."""
    displaced: int = 0
    """Connections since the start that were closed for newer ones, before a log-in or a recipient."""


class ServiceReport(msgspec.Struct, frozen=True):
    """The report of one service. `state` is empty when the service is well."""

    name: str
    state: str
    counts: Mapping[str, int] = {}
    lag: Mapping[str, int] = {}
    work: Mapping[str, int] = {}
    """The work of its store since the start."""
    idle: Mapping[str, int] = {}
    """Seconds since each of its background tasks last did something."""
    troubles: tuple[Trouble, ...] = ()
    descriptors: int = 0
    """The limit of open files of its process, if it listens, and the limit that the settings need."""
    descriptors_needed: int = 0


class Trouble(msgspec.Struct, frozen=True):
    """Something that is not well. `where` names the services or the process that report it."""

    where: tuple[str, ...]
    what: str
    advice: str


class Status(msgspec.Struct, frozen=True):
    """The state of the installation. `ready`: every process serves; `well`: nothing is wrong."""

    ready: bool
    well: bool
    processes: tuple[Process, ...]
    listeners: tuple[Listener, ...]
    services: tuple[ServiceReport, ...]
    dead_letters: int
    troubles: tuple[Trouble, ...] = ()
    warnings: tuple[str, ...] = ()
    """Sentences about limits of a server that is otherwise well."""


async def status(session: Session) -> Status:
    """The present state. A service that does not answer is reported with that state."""
    known = read_report(session.places.processes)
    processes = known.processes if known is not None and known.alive else _containers(session)
    services = sorted((name for process in processes for name in process.services), key=START_ORDER.index)
    answers = await asyncio.gather(*(_of(session, service) for service in services))
    listeners = tuple(process for _, listening in answers for process in listening or ())
    reports = tuple(report for report, _ in answers)
    answering = all(listening is not None for _, listening in answers)
    ready = bool(processes) and answering and all(process.state is State.RUNNING for process in processes)
    troubles = (*_of_processes(processes), *_once(trouble for report in reports for trouble in report.troubles))
    dead_letters = sum(process.counts.get("dead_letters", 0) for process in reports)
    warnings = tuple(_shortage(report) for report in reports if report.descriptors < report.descriptors_needed)
    return Status(ready, ready and not troubles, processes, listeners, reports, dead_letters, troubles, warnings)


def _containers(session: Session) -> tuple[Process, ...]:
    """The services that a container engine starts, which no supervisor reports; none when not one of them answers."""
    if not in_containers():
        return ()
    serving = {service: answers(session.places, service) for service in START_ORDER}
    if not any(serving.values()):
        return ()
    return tuple(
        Process(service, (service,), State.RUNNING if serves else State.STOPPED, 0, 0, 0, 0, "")
        for service, serves in serving.items()
    )


def _of_processes(processes: Iterable[Process]) -> Iterator[Trouble]:
    for process in processes:
        if process.state is State.STARTING:
            what = f"the process starts: {process.doing or 'it has said nothing yet'}"
            yield Trouble(
                (process.name,), what, "it serves when that is done; a start that does not advance is repeated"
            )
        if process.state is State.BACKOFF:
            what = f"the process ended with {process.last_exit} and is started again in a moment"
            yield Trouble((process.name,), what, f"the end of log/{process.name}.log says why")


def _once(troubles: Iterable[Trouble]) -> Iterator[Trouble]:
    """Merge equal troubles that several services of one process report."""
    places: dict[tuple[str, str], tuple[str, ...]] = {}
    for trouble in troubles:
        key = trouble.what, trouble.advice
        places[key] = places.get(key, ()) + trouble.where
    for (what, advice), where in places.items():
        yield Trouble(where, what, advice)


async def _of(session: Session, service: str) -> tuple[ServiceReport, list[Listener] | None]:
    """The report and listeners of a service; no list when it does not answer."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    if not answers(session.places, service):
        return ServiceReport(service, "does not run", troubles=_silent(service, "does not run")), None
    stub = OwnerStub(await session.running(service))
    try:
        reply = await stub.Report(owner_pb2.ReportRequest(), timeout=10)
    except ServiceError as error:
        state = f"does not answer: {error.message}"
        return ServiceReport(service, state, troubles=_silent(service, state)), None
    listeners = [_listener(service, row) for row in reply.listeners]
    counts, lag, work, idle = (
        dict(sorted(values.items())) for values in (reply.counts, reply.lag, reply.work, reply.idle)
    )
    troubles = tuple(Trouble((service,), trouble.what, trouble.advice) for trouble in reply.troubles)
    limits = reply.descriptors, reply.descriptors_needed
    return ServiceReport(service, reply.state, counts, lag, work, idle, troubles, *limits), listeners


def _silent(service: str, state: str) -> tuple[Trouble, ...]:
    return (Trouble((service,), state, "it may be starting; else the log of its process says why"),)


def _listener(service: str, row: owner_pb2.Listener) -> Listener:
    where = row.protocol, row.address, row.port, row.tls
    return Listener(service, *where, row.connections, row.room, row.promised, row.refused, row.displaced)


def _shortage(service: ServiceReport) -> str:
    return (
        f"{service.name}: its process may open {service.descriptors} files, and takes fewer connections than the "
        f"settings promise; raise the limit (ulimit -n, LimitNOFILE) to {service.descriptors_needed}"
    )
