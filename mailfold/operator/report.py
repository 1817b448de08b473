"""What runs: the supervisor's report and every service's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mailfold.layouts import START_ORDER
from mailfold.operator.running import answers
from mailfold.operator.session import Session
from mailfold.supervisor.report import Process, State, read_report
from shared.grpc.errors import ServiceError


class Listener(msgspec.Struct, frozen=True):
    """Where a service listens."""

    service: str
    protocol: str
    address: str
    port: int
    tls: str


class ServiceReport(msgspec.Struct, frozen=True):
    """One service. `state` is empty when it is at its best."""

    name: str
    state: str
    counts: Mapping[str, int] = {}
    lag: Mapping[str, int] = {}
    work: Mapping[str, int] = {}
    """What its store did since the start."""
    idle: Mapping[str, int] = {}
    """Seconds since each of its background tasks last did something."""
    troubles: tuple[Trouble, ...] = ()


class Trouble(msgspec.Struct, frozen=True):
    """Something that is not well. `where`: the services or the process that say so."""

    where: tuple[str, ...]
    what: str
    advice: str


class Status(msgspec.Struct, frozen=True):
    """The whole. `ready`: every process serves. `well`: and nothing is the matter."""

    ready: bool
    well: bool
    processes: tuple[Process, ...]
    listeners: tuple[Listener, ...]
    services: tuple[ServiceReport, ...]
    dead_letters: int
    troubles: tuple[Trouble, ...] = ()


async def status(session: Session) -> Status:
    """As it is now. A service that does not answer says so in its state."""
    known = read_report(session.places.processes)
    processes = known.processes if known is not None and known.alive else ()
    services = sorted((name for one in processes for name in one.services), key=START_ORDER.index)
    found = await asyncio.gather(*(_of(session, service) for service in services))
    listeners = tuple(one for _, listening in found for one in listening or ())
    reports = tuple(report for report, _ in found)
    answering = all(listening is not None for _, listening in found)
    ready = bool(processes) and answering and all(one.state is State.RUNNING for one in processes)
    troubles = (*_of_processes(processes), *_once(trouble for report in reports for trouble in report.troubles))
    letters = sum(one.counts.get("dead_letters", 0) for one in reports)
    return Status(ready, ready and not troubles, processes, listeners, reports, letters, troubles)


def _of_processes(processes: Iterable[Process]) -> Iterator[Trouble]:
    for process in processes:
        if process.state is State.BACKOFF:
            what = f"the process ended with {process.last_exit} and is started again in a moment"
            yield Trouble((process.name,), what, f"the end of log/{process.name}.log says why")


def _once(troubles: Iterable[Trouble]) -> Iterator[Trouble]:
    """What several services of one process report alike is said once."""
    places: dict[tuple[str, str], tuple[str, ...]] = {}
    for trouble in troubles:
        key = trouble.what, trouble.advice
        places[key] = places.get(key, ()) + trouble.where
    for (what, advice), where in places.items():
        yield Trouble(where, what, advice)


async def _of(session: Session, service: str) -> tuple[ServiceReport, list[Listener] | None]:
    """Its report and listeners; no list when it does not answer."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    if not answers(session.places, service):
        return ServiceReport(service, "does not run", troubles=_silent(service, "does not run")), None
    stub: Any = OwnerStub(await session.running(service))
    try:
        reply = await stub.Report(owner_pb2.ReportRequest(), timeout=10)
    except ServiceError as error:
        state = f"does not answer: {error.message}"
        return ServiceReport(service, state, troubles=_silent(service, state)), None
    listeners = [Listener(service, one.protocol, one.address, one.port, one.tls) for one in reply.listeners]
    counts, lag, work, idle = (
        dict(sorted(values.items())) for values in (reply.counts, reply.lag, reply.work, reply.idle)
    )
    troubles = tuple(Trouble((service,), trouble.what, trouble.advice) for trouble in reply.troubles)
    return ServiceReport(service, reply.state, counts, lag, work, idle, troubles), listeners


def _silent(service: str, state: str) -> tuple[Trouble, ...]:
    return (Trouble((service,), state, "it may be starting; else the log of its process says why"),)
