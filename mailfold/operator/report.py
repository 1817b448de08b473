"""What runs: the supervisor's report and every service's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
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


class Status(msgspec.Struct, frozen=True):
    """The whole."""

    ready: bool
    processes: tuple[Process, ...]
    listeners: tuple[Listener, ...]
    services: tuple[ServiceReport, ...]
    dead_letters: int


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
    return Status(ready, processes, listeners, reports, sum(one.counts.get("dead_letters", 0) for one in reports))


async def _of(session: Session, service: str) -> tuple[ServiceReport, list[Listener] | None]:
    """Its report and listeners; no list when it does not answer."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    if not answers(session.places, service):
        return ServiceReport(service, "does not run"), None
    stub: Any = OwnerStub(await session.running(service))
    try:
        reply = await stub.Report(owner_pb2.ReportRequest(), timeout=10)
    except ServiceError as error:
        return ServiceReport(service, f"does not answer: {error.message}"), None
    listeners = [Listener(service, one.protocol, one.address, one.port, one.tls) for one in reply.listeners]
    counts, lag, work = (dict(sorted(found.items())) for found in (reply.counts, reply.lag, reply.work))
    return ServiceReport(service, reply.state, counts, lag, work), listeners
