"""The tables that would grow without end keep only what is needed, and are the same after a rebuild."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from services.outbound.domain.kept_rows import KeptRows
from services.outbound.handlers.forgetting import Forgetting
from services.outbound.projections.sent import SentProjection
from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.clock import FixedClock
from shared.events.outbound import (
    HostAttempt,
    OutboundDelivered,
    OutboundHeld,
    OutboundQueued,
    OutboundStsPolicyFailed,
    OutboundStsPolicyFetched,
    SendingAttempt,
)
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

DAY = 86_400
HOST = HostAttempt("mx.far.example", policy_type="sts", tls_result="success")
KEPT = KeptRows(sent_days=30, known_recipients=300, tls_result_days=60, sts_days=30)


class Tables:
    """A store whose clock a test advances."""

    def __init__(self, store: EventStore, clock: FixedClock) -> None:
        self.store = store
        self.clock = clock
        self.forgetting = Forgetting(store, clock, KEPT)

    async def append(self, stream: str, *events: Event) -> None:
        await self.store.write(lambda transaction: transaction.append(stream, events, Provenance(Actor("system"))))

    async def send(self, number: int, until: int = 0) -> None:
        """Queue a mail of the account a1 to a recipient of its own, held until a time."""
        entry, queue_id, path = f"e{number:04}", f"q{number:04}", f"r{number}@far.example"
        events: list[Event] = [OutboundQueued(entry, queue_id, path, 0, "g/b", b"", 7, "ann@x", path, account="a1")]
        if until:
            events.append(OutboundHeld(entry, queue_id, "limit", until))
        await self.append(entry, *events)

    async def rows(self, columns: str, table: str) -> list[object]:
        rows = await self.store.read(lambda reader: reader.all(f"SELECT {columns} FROM {table} ORDER BY 1"))
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    async def verify(self) -> None:
        assert (await self.store.verify()).differences == ()


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Tables]:
    clock, metadata = FixedClock(), sqlalchemy.MetaData()
    projections = (SentProjection(metadata), TransportSecurityProjection(metadata))
    store = EventStore(SqliteBackend(tmp_path / "outbound.db"), metadata, projections, clock)
    await store.open()
    yield Tables(store, clock)
    await store.close()


async def test_what_an_account_sent_is_kept_as_long_as_its_limits_need_it(tables: Tables) -> None:
    for number in range(500):
        await tables.send(number)
    tables.clock.advance(31 * DAY)
    await tables.send(500)
    await tables.forgetting.look()
    assert await tables.rows("entry", "sent_entry") == ["e0500"]
    assert await tables.rows("queue_id", "sent_mail") == ["q0500"]
    await tables.verify()


async def test_what_is_held_is_kept_until_it_counted(tables: Tables) -> None:
    await tables.send(1)
    await tables.send(2, until=tables.clock.now() + 40 * DAY * 1_000_000)
    tables.clock.advance(31 * DAY)
    await tables.send(3)
    await tables.forgetting.look()
    assert await tables.rows("entry", "sent_entry") == ["e0002", "e0003"]
    tables.clock.advance(40 * DAY)
    await tables.forgetting.look()
    assert await tables.rows("entry", "sent_entry") == ["e0003"]
    await tables.verify()


async def test_an_account_has_a_number_of_known_recipients_and_the_latest_are_kept(tables: Tables) -> None:
    for number in range(1000):
        if number in (500, 800):
            tables.clock.advance(DAY)
        await tables.send(number)
    await tables.forgetting.look()
    days = await tables.rows("day, count(*)", "known_recipient GROUP BY day")
    today = tables.clock.now() // (DAY * 1_000_000)
    assert days == [(today - 1, 100), (today, 200)]
    await tables.verify()


async def test_counts_for_tls_reports_are_kept_for_their_days(tables: Tables) -> None:
    for number in range(300):
        attempt = SendingAttempt(1, tables.clock.now(), "", (HOST,))
        await tables.append(f"e{number}", OutboundDelivered(f"e{number}", "q1", f"b@d{number}.example", attempt))
    tables.clock.advance(30 * DAY)
    attempt = SendingAttempt(1, tables.clock.now(), "", (HOST,))
    await tables.append("e900", OutboundDelivered("e900", "q1", "b@late.example", attempt))
    await tables.forgetting.look()
    assert len(await tables.rows("domain", "tls_result")) == 301
    tables.clock.advance(31 * DAY)
    await tables.forgetting.look()
    assert await tables.rows("domain", "tls_result") == ["late.example"]
    await tables.verify()


async def test_policies_are_kept_until_their_end_and_some_days(tables: Tables) -> None:
    now = tables.clock.now()
    for number in range(300):
        name = f"d{number}.example"
        await tables.append(f"sts/{name}", OutboundStsPolicyFetched(name, "1", "enforce", (name,), 10 * DAY, now))
    await tables.append("sts/b", OutboundStsPolicyFetched("b", "1", "enforce", ("b",), 300 * DAY, now))
    await tables.append("sts/c", OutboundStsPolicyFailed("c", "1", "sts-policy-invalid", "no mode"))
    tables.clock.advance(41 * DAY)
    await tables.forgetting.look()
    assert await tables.rows("domain", "sts_policy") == ["b"]
    assert await tables.rows("domain", "sts_failure") == []
    await tables.verify()


async def test_a_look_that_finds_nothing_old_records_nothing(tables: Tables) -> None:
    await tables.send(1)
    await tables.forgetting.look()
    await tables.forgetting.look()
    assert await tables.rows("name", "sent_forgotten") == []
    assert await tables.rows("name", "security_forgotten") == []
