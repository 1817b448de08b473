"""The memories of scripts on both databases: written once, held by their step, bounded, and gone with the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from services.delivery.domain.erasure import without_contents
from services.delivery.handlers.script_memories import Holder, MemoryKind, ScriptMemories
from services.delivery.projections import script_memories
from services.delivery.projections.script_memories import ScriptMemoryProjection
from shared.clock import FixedClock
from shared.erasure.former_addresses import FormerAddresses
from shared.erasure.log_erasure import Erased, LogErasure
from shared.erasure.mail_marks import MailMarks
from shared.events.delivery import DeliveryRemembered
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore, opened

ANN, BOB = "a-ann", "a-bob"
HOUR = 3600
VACATION = MemoryKind.VACATION


class Memories(ScriptMemories):
    """The memories with their store and clock."""

    def __init__(self, store: EventStore, clock: FixedClock) -> None:
        super().__init__(store, clock)
        self.store, self.clock = store, clock

    async def count(self, account: str = ANN) -> int:
        row = await self.store.read(
            lambda reader: reader.first_row("SELECT count(*) FROM script_memory WHERE account = ?", (account,))
        )
        return int(row[0]) if row else 0

    async def verify(self) -> None:
        assert not (await self.store.verify()).differences


@pytest.fixture(params=["sqlite", "postgresql"])
async def memories(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Memories]:
    metadata, clock = sqlalchemy.MetaData(), FixedClock()
    backend: SqliteBackend | PostgresBackend = SqliteBackend(tmp_path / "delivery.sqlite")
    if request.param == "postgresql":
        backend = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailfold_delivery")
    async with opened(EventStore(backend, metadata, (ScriptMemoryProjection(metadata),), clock, "one")) as store:
        yield Memories(store, clock)


async def test_of_many_claims_at_a_time_one_is_granted(memories: Memories) -> None:
    claims = [memories.claim(ANN, VACATION, "eve", HOUR, Holder(f"q{number}")) for number in range(32)]
    assert sum(await asyncio.gather(*claims)) == 1
    assert await memories.count() == 1
    await memories.verify()


async def test_the_holder_goes_on_and_others_do_not(memories: Memories) -> None:
    assert await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q1", 2))
    assert await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q1", 2))
    assert not await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q1", 3))
    assert not await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q2", 2))
    assert await memories.claim(BOB, VACATION, "eve", HOUR, Holder("q2", 2))
    assert await memories.is_held(ANN, VACATION, "eve") and not await memories.is_held(ANN, VACATION, "eve", but="q1")


async def test_a_memory_expires_and_leaves_with_a_later_one(memories: Memories) -> None:
    await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q1"))
    memories.clock.advance(HOUR + 1)
    assert not await memories.is_held(ANN, VACATION, "eve")
    assert await memories.count() == 1
    assert await memories.claim(ANN, VACATION, "zoe", HOUR, Holder("q2"))
    assert await memories.count() == 1
    assert await memories.claim(ANN, VACATION, "eve", HOUR, Holder("q3"))
    await memories.verify()


async def test_the_limit_of_a_day_counts_each_wish_of_a_mail_once(memories: Memories) -> None:
    async def admitted(queue_id: str, *wishes: str) -> set[str]:
        return set(await memories.admitted(ANN, MemoryKind.REDIRECT, wishes, queue_id, 3))

    assert await admitted("q1", "x@a", "y@a") == {"x@a", "y@a"}
    assert await admitted("q1", "x@a", "y@a") == {"x@a", "y@a"}
    assert await admitted("q2", "x@a", "y@a") == {"x@a"}
    assert await admitted("q3", "x@a") == set()
    memories.clock.advance(86_401)
    assert await admitted("q3", "x@a") == {"x@a"}


async def test_many_mails_at_a_time_stay_within_the_limit(memories: Memories) -> None:
    calls = [memories.admitted(ANN, MemoryKind.REDIRECT, ["x@a"], f"q{number}", 5) for number in range(20)]
    assert sum(len(admitted) for admitted in await asyncio.gather(*calls)) == 5


async def test_a_seen_mail_is_remembered_from_the_first_time_on_unless_anew(memories: Memories) -> None:
    await memories.remember(ANN, "m", HOUR, Holder("q1"))
    memories.clock.advance(HOUR // 2)
    await memories.remember(ANN, "m", HOUR, Holder("q2"))
    memories.clock.advance(HOUR // 2 + 1)
    assert not await memories.is_duplicate(ANN, "m")
    await memories.remember(ANN, "m", HOUR, Holder("q3"))
    memories.clock.advance(HOUR // 2)
    await memories.remember(ANN, "m", HOUR, Holder("q4"), anew=True)
    memories.clock.advance(HOUR // 2 + 1)
    assert await memories.is_duplicate(ANN, "m")


async def test_of_very_many_the_oldest_leave(memories: Memories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_memories, "MOST", 5)
    for number in range(9):
        memories.clock.advance(1)
        await memories.remember(ANN, f"m{number}", HOUR, Holder(f"q{number}"))
    assert await memories.count() == 5
    assert not await memories.is_duplicate(ANN, "m3") and await memories.is_duplicate(ANN, "m4")
    await memories.verify()


async def test_an_erased_account_has_no_memories_and_the_tables_are_those_of_the_log(memories: Memories) -> None:
    for account in (ANN, BOB):
        await memories.claim(account, VACATION, "eve", HOUR, Holder("q1"))
        await memories.remember(account, "m", HOUR, Holder("q1", 1))
    await memories.forget(ANN)
    await memories.forget("a-nobody")
    erasure = LogErasure(memories.store, without_contents)
    await erasure.run(Erased(ANN, FormerAddresses(ANN, ()), MailMarks()), lambda _count: None)
    assert await memories.count() == 0 and await memories.count(BOB) == 2
    events = [recorded.event for recorded in await memories.store.read_stream(f"sieve:{ANN}")]
    assert all(event.key == "" for event in events if isinstance(event, DeliveryRemembered))
    await memories.verify()
