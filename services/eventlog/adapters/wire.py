"""Events as messages of the contract."""

from __future__ import annotations

from collections.abc import Mapping

from services.eventlog.adapters.logged_event import LoggedEvent
from services.eventlog.domain.charts import Bar, quantile
from services.eventlog.domain.fields import fields_of, folded
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


def logged(origin: int, event: events_pb2.Event) -> LoggedEvent:
    """An event that is just being written, for readers of the live tail; it has no log id yet."""
    return LoggedEvent(
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


def narrowed(stored: LoggedEvent, domain: str) -> pb.LoggedEvent:
    """An event as an admin of a domain may see it: other people's addresses, data and actor are left out."""
    names = names_of(stored.type, stored.data)
    fields = fields_of(stored.type, stored.data, stored.actor, stored.stream, stored.correlation)
    ending = f"@{folded(domain)}"
    return pb.LoggedEvent(
        id=stored.event_id,
        service=stored.service,
        type=stored.type,
        at=stored.at,
        queue_id=names.queue_id,
        message_id=names.message_id,
        addresses=[address for address in fields.addresses if address.endswith(ending)],
        results=sorted(fields.results),
    )


def bar_to_wire(bar: Bar) -> pb.Bar:
    """An hour or a day of a chart."""
    reasons = [pb.Reason(reason=reason, sessions=sessions) for reason, sessions in bar.frequent_reasons()]
    stored, sent = (_wait(bar.waits[name]) for name in ("stored", "sent"))
    return pb.Bar(at=bar.at, refused_by_reason=reasons, until_stored=stored, until_sent=sent, **bar.counts)


def _wait(classes: Mapping[int, int]) -> pb.Wait:
    half, nine_tenths, nearly_all = (quantile(classes, part) for part in (0.5, 0.9, 0.99))
    return pb.Wait(count=sum(classes.values()), half=half, nine_tenths=nine_tenths, nearly_all=nearly_all)
