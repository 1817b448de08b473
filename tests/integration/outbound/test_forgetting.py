"""What is forgotten on PostgreSQL, whose texts have an order of their own: the rows are the same after a rebuild."""

from __future__ import annotations

import pytest
import sqlalchemy

from services.outbound.domain.kept_rows import KeptRows
from services.outbound.handlers.forgetting import Forgetting
from services.outbound.projections.limits import LimitProjection
from services.outbound.projections.sent import SentProjection
from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.clock import FixedClock
from shared.events.outbound import (
    HostAttempt,
    OutboundDelivered,
    OutboundQueued,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
    SendingAttempt,
)
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

DAY = 86_400
HOST = HostAttempt("mx.far.example", policy_type="sts", tls_result="success")
DOMAINS = [f"{letter}{sign}{number}.example" for letter in "ab" for sign in ("-", ".", "") for number in range(50)]
TABLES = ("sent_entry", "sent_mail", "known_recipient", "tls_result", "sts_policy", "sts_failure")
KEPT = KeptRows(sent_days=30, known_recipients=100, tls_result_days=60, sts_days=30)


async def _append(store: EventStore, *events: tuple[str, Event]) -> None:
    def work(transaction: Transaction) -> None:
        for stream, event in events:
            transaction.append(stream, [event], Provenance(Actor("system")))

    await store.write(work)


async def _count(store: EventStore, table: str) -> int:
    return len(await store.read(lambda reader: reader.all(f"SELECT * FROM {table}")))


def _events(number: int, domain: str, now: int) -> list[tuple[str, Event]]:
    entry, path = f"e{number:04}", f"bob@{domain}"
    attempt = SendingAttempt(1, now, "", (HOST,))
    queued = OutboundQueued(
        entry, f"q{number:04}", path, 0, "g/b", b"", 7, "ann@x", path, account="a1", is_new_recipient=True
    )
    return [
        (entry, queued),
        (entry, OutboundDelivered(entry, f"q{number:04}", path, attempt)),
        (f"sts/{domain}", OutboundStsPolicyFetched(domain, "1", "enforce", (domain,), DAY, now)),
        (f"sts/{domain}", OutboundStsPolicyFailed(domain, "2", "sts-policy-invalid", "no mode")),
    ]


async def test_the_tables_keep_what_they_need_and_are_the_same_after_a_rebuild(
    request: pytest.FixtureRequest,
) -> None:
    backend = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailfold_outbound")
    clock, metadata = FixedClock(), sqlalchemy.MetaData()
    kinds = (SentProjection, LimitProjection, TransportSecurityProjection)
    store = EventStore(backend, metadata, tuple(kind(metadata) for kind in kinds), clock)
    await store.open()
    for number, domain in enumerate(DOMAINS):
        await _append(store, *_events(number, domain, clock.now()))
    clock.advance(61 * DAY)
    await _append(store, *_events(len(DOMAINS), "late.example", clock.now()))
    await Forgetting(store, clock, KEPT).look()
    for _ in range(2):
        assert [await _count(store, table) for table in TABLES] == [1, 1, 100, 1, 1, 1]
        assert (await store.verify()).equal
        await store.rebuild()
    await store.close()
