"""Questions to the event log."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from mailfold.operator.session import Session
from mailfold.trace.names import Names
from mailfold.trace.story import LoggedEvent
from shared.eventstore.event import Event
from shared.grpc.errors import ServiceError

if TYPE_CHECKING:
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2
    from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogAsyncStub

_NAMED = (("account", "account.added"), ("account", "mailbox."), ("user", "user.added"))
_NAME_EVENTS = 500


async def trace(session: Session, identity: str) -> list[LoggedEvent]:
    """The history of a mail, oldest first."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    return [
        _from_wire(logged)
        for logged in (await (await _stub(session)).Trace(eventlog_pb2.TraceRequest(id=identity))).events
    ]


async def query(session: Session, text: str, kind: str, since: int, limit: int) -> list[LoggedEvent]:
    """The newest matching events, oldest first."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    request = eventlog_pb2.QueryRequest(text=text, type=kind, since=since, limit=limit)
    return [_from_wire(logged) for logged in reversed((await (await _stub(session)).Query(request)).events)]


async def tail(session: Session, kind: str) -> AsyncIterator[list[LoggedEvent]]:
    """An empty batch as soon as no new event can be missed, then every new event."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    async for batch in (await _stub(session)).Tail(eventlog_pb2.TailRequest(type=kind)):
        yield [_from_wire(logged) for logged in batch.events]


async def names(session: Session, events: Iterable[LoggedEvent]) -> Names:
    """Names for the accounts, mailboxes and users in these events."""
    known = Names()
    for text, kind in sorted(_ids_to_name([event for logged in events if (event := logged.event) is not None])):
        with contextlib.suppress(ServiceError):  # names are optional: without them the ids are shown
            for logged in await query(session, text, kind, 0, _NAME_EVENTS):
                if (event := logged.event) is not None:
                    known.learn(event)
    return known


def _ids_to_name(events: Iterable[Event]) -> set[tuple[str, str]]:
    return {(identity, kind) for event in events for field, kind in _NAMED if (identity := _identity(event, field))}


def _identity(event: Event, field: str) -> str:
    value = getattr(event, field, "")
    return value if isinstance(value, str) else ""


async def _stub(session: Session) -> EventLogAsyncStub:
    from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogStub

    return EventLogStub(await session.running("eventlog"))


def _from_wire(logged: eventlog_pb2.LoggedEvent) -> LoggedEvent:
    return LoggedEvent(logged.id, logged.type, logged.at, logged.actor, logged.cause, logged.data)
