"""The tables are the same in whichever order the streams of entries are folded; a repair folds shard by shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy

from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.sent import SentProjection, place_of
from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.events.outbound import (
    HostAttempt,
    OutboundDeferred,
    OutboundDelivered,
    OutboundHeld,
    OutboundQueued,
    OutboundReleased,
    OutboundRowsForgotten,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
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


FORGOTTEN: dict[str, list[tuple[int, Event]]] = {
    "forgotten/sent_entry": [(50, OutboundRowsForgotten("sent_entry", "e3"))],
    "forgotten/known_recipient/a1": [(51, OutboundRowsForgotten("known_recipient", place_of(1, ""), "a1"))],
}
HOST = HostAttempt("mx.far.example", policy_type="sts", tls_result="success")
DAY = 86_400_000_000
TIMES: dict[str, list[tuple[int, Event]]] = {
    "sts/a": [
        (1, OutboundStsPolicyFetched("a", "1", "enforce", ("mx.a",), 1_000, 0)),
        (2, OutboundStsPolicyFetched("a", "2", "enforce", ("mx.a",), 1, 1_000)),
        (2_000_000, OutboundStsPolicyFailed("a", "3", "sts-policy-invalid", "no mode")),
    ],
    "sts/b": [
        (1, OutboundStsPolicyFailed("b", "1", "sts-policy-invalid", "no mode")),
        (2, OutboundStsPolicyFetched("b", "1", "enforce", ("mx.b",), 1_000, 2)),
        (3, OutboundStsPolicyFailed("b", "2", "sts-policy-invalid", "no mode")),
    ],
    "e8": [(9 * DAY, OutboundDelivered("e8", "q8", "bob@far.example", SendingAttempt(1, 0, "", (HOST,))))],
    "e9": [(9 * DAY, OutboundDelivered("e9", "q9", "bob@far.example", SendingAttempt(1, 9 * DAY, "", (HOST,))))],
    "forgotten/sts_policy": [(9 * DAY, OutboundRowsForgotten("sts_policy", "5000000"))],
    "forgotten/tls_result": [(9 * DAY, OutboundRowsForgotten("tls_result", "1970-01-05 "))],
}


def orders(streams: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Each stream once before and once after each other one."""
    names = tuple(streams)
    for first in range(len(names)):
        turned = names[first:] + names[:first]
        yield from (turned, turned[::-1])


@pytest.mark.parametrize("kind", [QueueProjection, SentProjection])
def test_the_order_of_streams_makes_no_difference(kind: Any) -> None:
    assert len({_folded(kind, STREAMS, order) for order in orders(STREAMS)}) == 1


def test_what_is_forgotten_does_not_depend_on_the_order_of_streams() -> None:
    streams = STREAMS | FORGOTTEN
    (folded,) = {_folded(SentProjection, streams, order) for order in orders(streams)}
    rows = dict(folded)
    assert [row[0] for row in rows["sent_entry"]] == ["e3", "e4"]
    assert rows["known_recipient"] == ()
    assert len(rows["sent_mail"]) == 1


def test_forgotten_policies_and_counts_do_not_depend_on_the_order_of_streams() -> None:
    (folded,) = {_folded(TransportSecurityProjection, TIMES, order) for order in orders(TIMES)}
    rows = dict(folded)
    assert [row[0] for row in rows["sts_policy"]] == ["b"]
    assert [row[:2] for row in rows["sts_failure"]] == [("a", "3"), ("b", "2")]
    assert [row[0] for row in rows["tls_result"]] == ["1970-01-10"]


def test_an_older_forgetting_brings_nothing_back() -> None:
    late: dict[str, list[tuple[int, Event]]] = {
        "f1": [(60, OutboundRowsForgotten("sent_entry", "e4"))],
        "f2": [(70, OutboundRowsForgotten("sent_entry", "e2"))],
    }
    streams = STREAMS | late
    (folded,) = {_folded(SentProjection, streams, order) for order in orders(streams)}
    assert [row[0] for row in dict(folded)["sent_entry"]] == ["e4"]


def _folded(kind: Any, streams: Mapping[str, list[tuple[int, Event]]], order: tuple[str, ...]) -> tuple[Any, ...]:
    projection = kind(sqlalchemy.MetaData())
    with scratch([projection], None) as tables:
        for stream in order:
            for version, (at, event) in enumerate(streams[stream], 1):
                recorded = Recorded(0, 1, stream, version, at, Provenance(Actor("system")), event)
                projection.apply(tables, recorded)
        return tuple((table.name, tuple(sorted(rows_of(tables, table)))) for table in projection.tables)
