"""Events as messages of the contract."""

from __future__ import annotations

from services.eventlog.adapters.logged_event import LoggedEvent
from services.eventlog.domain.names import names_of
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.events.v1 import events_pb2


def to_wire(stored: LoggedEvent) -> pb.LoggedEvent:
    """An event from the log."""
    names = names_of(stored.type, stored.data)
    return pb.LoggedEvent(
        id=stored.event_id,
        service=stored.service,
        type=stored.type,
        at=stored.at,
        stream=stored.stream,
        version=stored.version,
        queue_id=names.queue_id,
        message_id=names.message_id,
        actor=stored.actor,
        cause=stored.cause,
        correlation=stored.correlation,
        command=stored.command,
        data=stored.data,
    )


def incoming_to_wire(origin: int, event: events_pb2.Event) -> pb.LoggedEvent:
    """An event that is just being written, for readers of the live tail."""
    return to_wire(
        LoggedEvent(
            0,
            event.type,
            origin,
            event.position,
            event.at,
            event.stream,
            event.version,
            event.correlation,
            event.cause,
            event.command,
            event.actor,
            event.data,
        )
    )
