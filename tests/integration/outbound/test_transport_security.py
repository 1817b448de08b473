"""The rows of policies and counted connections, on every database, and the same after a rebuild."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy

from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.clock import FixedClock
from shared.events.outbound import (
    HostAttempt,
    OutboundBounced,
    OutboundDeferred,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
    SendingAttempt,
)
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

AT = 1_700_000_000_000_000
HOST = HostAttempt("mx.far.example", policy_type="tlsa", tls_result="dnssec-invalid")
ATTEMPT = SendingAttempt(1, AT, "mx far.example", (HOST,))
TO = ("q1", "bob@Far.Example")
EVENTS: tuple[tuple[str, Event], ...] = (
    ("sts/a.example", OutboundStsPolicyFailed("a.example", "1", "sts-policy-invalid", "no valid mode")),
    ("sts/b.example", OutboundStsPolicyFetched("b.example", "1", "testing", ("*.b.example",), 100, AT)),
    (
        "sts/b.example",
        OutboundStsPolicyFetched("b.example", "2", "enforce", ("b.example", "*.b.example"), 86_400, AT),
    ),
    ("sts/b.example", OutboundStsPolicyFailed("b.example", "3", "sts-policy-fetch-error", "no connection")),
    ("e1", OutboundDeferred("e1", *TO, ATTEMPT, AT, "4.4.3", "no answer", "ours")),
    ("e2", OutboundBounced("e2", *TO, "5.1.1", "unknown", ATTEMPT)),
    ("e3", OutboundBounced("e3", *TO, "5.1.1", "by an operator")),
)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_the_rows_of_policies_and_connections(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    if database == "sqlite":
        backend: SqliteBackend | PostgresBackend = SqliteBackend(tmp_path / "outbound.db")
    else:
        backend = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailfold_outbound")
    metadata = sqlalchemy.MetaData()
    store = EventStore(backend, metadata, (TransportSecurityProjection(metadata),), FixedClock())
    await store.open()
    for stream, event in EVENTS:
        await _append(store, stream, event)
    for _ in range(2):
        policies = await store.read(lambda reader: reader.all("SELECT * FROM sts_policy ORDER BY domain"))
        assert [tuple(row) for row in policies] == [
            ("b.example", "2", "enforce", "b.example *.b.example", 86_400, AT, AT + 86_400_000_000),
        ]
        failures = await store.read(lambda reader: reader.all("SELECT * FROM sts_failure ORDER BY domain"))
        assert [tuple(row) for row in failures] == [
            ("a.example", "1", "sts-policy-invalid", "no valid mode", AT),
            ("b.example", "3", "sts-policy-fetch-error", "no connection", AT),
        ]
        counts = await store.read(lambda reader: reader.all("SELECT * FROM tls_result"))
        assert [tuple(row) for row in counts] == [("2023-11-14", "far.example", "tlsa", "dnssec-invalid", 2)]
        await store.rebuild()
    await store.close()


async def _append(store: EventStore, stream: str, event: Event) -> None:
    provenance = Provenance(Actor("service", "outbound"))
    await store.write(lambda transaction: transaction.append(stream, [event], provenance))
