"""Questions to the event log."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, NamedTuple

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


class EventFilter(NamedTuple):
    """Selects events by more than their text. An empty value selects all."""

    until: int = 0
    domain: str = ""
    account: str = ""
    address: str = ""
    remote: str = ""
    message_id: str = ""
    queue_id: str = ""
    result: str = ""
    rule: str = ""


EVERY_EVENT = EventFilter()


class Selected(NamedTuple):
    """The events of a query, and what the log says about its answer."""

    events: list[LoggedEvent]
    note: str = ""


async def query(
    session: Session,
    text: str,
    kind: str,
    since: int,
    limit: int,
    chosen: EventFilter = EVERY_EVENT,
    *,
    oldest: bool = False,
) -> Selected:
    """The newest matching events, or the oldest, oldest first."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    request = eventlog_pb2.QueryRequest(
        text=text, type=kind, since=since, limit=limit, oldest_first=oldest, **chosen._asdict()
    )
    reply = await (await _stub(session)).Query(request)
    return Selected([_from_wire(logged) for logged in (reply.events if oldest else reversed(reply.events))], reply.note)


async def tail(
    session: Session, text: str, kind: str, chosen: EventFilter = EVERY_EVENT
) -> AsyncIterator[list[LoggedEvent]]:
    """An empty batch as soon as no new event can be missed, then every new event."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    events = eventlog_pb2.QueryRequest(text=text, **chosen._asdict())
    async for batch in (await _stub(session)).Tail(eventlog_pb2.TailRequest(type=kind, events=events)):
        yield [_from_wire(logged) for logged in batch.events]


async def chart(session: Session, kind: str, since: int, chosen: EventFilter, *, days: bool) -> eventlog_pb2.ChartReply:
    """Counts and waits of hours or days."""
    from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2

    events = eventlog_pb2.QueryRequest(type=kind, since=since, **chosen._asdict())
    return await (await _stub(session)).Chart(eventlog_pb2.ChartRequest(events=events, days=days))


async def names(session: Session, events: Iterable[LoggedEvent]) -> Names:
    """Names for the accounts, mailboxes and users in these events."""
    known = Names()
    for text, kind in sorted(_ids_to_name([event for logged in events if (event := logged.event) is not None])):
        with contextlib.suppress(ServiceError):  # names are optional: without them the ids are shown
            for logged in (await query(session, text, kind, 0, _NAME_EVENTS)).events:
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
    if logged.results and not logged.data:  # what an admin of a domain may see
        seen = {"queue_id": logged.queue_id, "message_id": logged.message_id}
        return LoggedEvent(logged.id, logged.type, logged.at, "{}", "", _narrowed(logged, seen))
    return LoggedEvent(logged.id, logged.type, logged.at, logged.actor, logged.cause, logged.data)


def _narrowed(logged: eventlog_pb2.LoggedEvent, seen: dict[str, str]) -> bytes:
    import orjson

    listed = {"addresses": list(logged.addresses), "results": list(logged.results)}
    return orjson.dumps({**{name: value for name, value in seen.items() if value}, **listed})
