"""The tables are the same in whichever order the streams of entries are folded; a repair folds shard by shard."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy

from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.sent import SentProjection
from shared.events.outbound import (
    OutboundDeferred,
    OutboundDelivered,
    OutboundHeld,
    OutboundQueued,
    OutboundReleased,
    SendingAttempt,
)
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.eventstore.scratch import rows_of, scratch

ATTEMPT = SendingAttempt(1, 1)


def queued(entry: str, at: int, recipient: str = "bob@far.example") -> list[tuple[int, Event]]:
    return [(at, OutboundQueued(entry, "q1", recipient, 0, "g/b", b"", 7, "ann@x", recipient, account="a1"))]


STREAMS: dict[str, list[tuple[int, Event]]] = {
    "e1": [
        *queued("e1", 10),
        (20, OutboundDeferred("e1", "q1", "bob@far.example", ATTEMPT, 500, "4.4.1", "x", "destination", False, 900)),
    ],
    "e2": [*queued("e2", 11), (30, OutboundDelivered("e2", "q1", "bob@far.example", ATTEMPT))],
    "e3": [*queued("e3", 5), (12, OutboundHeld("e3", "q1", "limit", 400)), (40, OutboundReleased("e3", "q1"))],
    "e4": queued("e4", 13, "eve@far.example"),
}


@pytest.mark.parametrize("kind", [QueueProjection, SentProjection])
def test_the_order_of_streams_makes_no_difference(kind: Any) -> None:
    results = {_folded(kind, order) for order in itertools.permutations(STREAMS)}
    assert len(results) == 1


def _folded(kind: Any, order: tuple[str, ...]) -> tuple[Any, ...]:
    projection = kind(sqlalchemy.MetaData())
    with scratch([projection], None) as tables:
        for stream in order:
            for version, (at, event) in enumerate(STREAMS[stream], 1):
                recorded = Recorded(0, 1, stream, version, at, Provenance(Actor("system")), event)
                projection.apply(tables, recorded)
        return tuple((table.name, tuple(sorted(rows_of(tables, table)))) for table in projection.tables)
