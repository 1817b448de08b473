"""Facts as the contract carries them."""

from __future__ import annotations

from services.eventlog.adapters.facts import Stored
from services.eventlog.domain.names import names_of
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.events.v1 import events_pb2


def fact_of(stored: Stored) -> pb.Fact:
    """A fact out of the log."""
    names = names_of(stored.type, stored.data)
    return pb.Fact(
        id=stored.fact_id,
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


def fact_that_came(lane: int, event: events_pb2.Event) -> pb.Fact:
    """A fact on its way in, for those who look on."""
    return fact_of(
        Stored(
            0,
            event.type,
            lane,
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
