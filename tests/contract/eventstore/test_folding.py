"""The rows equal what the log gives: verify, mend, rebuild, and projections of a new version."""

from __future__ import annotations

import pytest

from shared.eventstore.event import UnknownEvent
from shared.eventstore.store import EventStore
from tests.contract.eventstore.harness import Harness, fill
from tests.contract.eventstore.sample import PROVENANCE, Emptied, Filled, purses

DAMAGE = {
    "damaged": "UPDATE purse SET coins = coins + 1 WHERE purse = 'p3'",
    "missing": "DELETE FROM purse WHERE purse = 'p5'",
    "extra": "INSERT INTO purse (purse, coins, times, note) VALUES ('p99', 1, 1, ''), ('Äther', 1, 1, '')",
    "damaged note": "UPDATE purse SET note = '' WHERE purse = 'p3'",
}


@pytest.fixture
async def filled(store: EventStore) -> EventStore:
    for number in range(30):
        await fill(store, f"p{number % 11}", number, note=bytes(range(number)))
    await store.write(lambda transaction: transaction.append("p4", [Emptied("p4", "thirst")], PROVENANCE))
    return store


async def damage(store: EventStore, sql: str) -> None:
    await store.write(lambda transaction: transaction.connection.execute(sql))


async def test_a_sound_store_is_equal(filled: EventStore) -> None:
    verdict = await filled.verify()
    assert verdict.equal
    assert (verdict.events, verdict.rows) == (31, 11)


@pytest.mark.parametrize("kind", DAMAGE)
async def test_damage_is_found_and_mended(filled: EventStore, kind: str) -> None:
    sound = await filled.read(purses)
    await damage(filled, DAMAGE[kind])
    verification = await filled.verify()
    assert {difference.table for difference in verification.differences} == {"purse"}
    assert len(verification.differences) == (2 if kind == "extra" else 1)
    assert (await filled.mend()).differences == verification.differences
    assert (await filled.verify()).equal
    assert await filled.read(purses) == sound


async def test_a_difference_shows_both_sides(filled: EventStore) -> None:
    await damage(filled, DAMAGE["missing"])
    (difference,) = (await filled.verify()).differences
    assert difference.key == ("p5",)
    assert difference.stored is None
    assert difference.folded is not None
    assert difference.folded[:3] == ("p5", 5 + 16 + 27, 3)


async def test_a_rebuild_gives_the_same_rows_byte_for_byte(filled: EventStore) -> None:
    sound = await filled.read(purses)
    for sql in DAMAGE.values():
        await damage(filled, sql)
    assert await filled.rebuild() == 31
    assert await filled.read(purses) == sound


async def test_progress_is_reported(filled: EventStore) -> None:
    reported: list[int] = []
    await filled.verify(reported.append)
    assert reported[-1] == 31


async def test_a_projection_of_a_new_version_is_folded_at_the_start(harness: Harness) -> None:
    store = await harness.open()
    await fill(store, "p1", 5)
    await harness.close(store)
    store = await harness.open(version=2)
    assert await store.read(purses) == [("p1", 10, 1, b"")]
    assert await store.read(lambda reader: reader.all("SELECT weight FROM purse")) == [(7,)]
    assert (await store.verify()).equal
    await fill(store, "p1", 1)
    assert await store.read(purses) == [("p1", 12, 2, b"")]


async def test_a_rebuild_that_fails_changes_nothing(filled: EventStore) -> None:
    sound = await filled.read(purses)
    await damage(filled, "UPDATE event SET type = 'purse.of_tomorrow' WHERE stream = 'p7' AND version = 2")
    with pytest.raises(UnknownEvent):
        await filled.rebuild()
    assert await filled.read(purses) == sound


async def test_a_fold_at_the_start_says_how_far_it_is(harness: Harness) -> None:
    store = await harness.open()
    await store.write(lambda transaction: transaction.append("p1", [Filled("p1", 1) for _ in range(2500)], PROVENANCE))
    await harness.close(store)
    counts: list[int] = []
    store = harness.store(version=2)
    await store.open(counts.append)
    assert counts == [1000, 2000, 2500]
    await store.close()
