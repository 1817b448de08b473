"""One process writes a store at a time: a file lock on SQLite, a lease with a fencing number on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.lease import LeaseHeld
from shared.eventstore.sqlite import FileInUse
from tests.contract.eventstore.harness import Harness, MakeBackend, fill
from tests.contract.eventstore.sample import events

LEASE_SECONDS = 30


@pytest.fixture
async def leased(postgres_backend: MakeBackend) -> AsyncIterator[Harness]:
    harness = Harness(postgres_backend)
    yield harness
    await harness.close_all()


@pytest.fixture
async def locked(sqlite_backend: MakeBackend) -> AsyncIterator[Harness]:
    harness = Harness(sqlite_backend)
    yield harness
    await harness.close_all()


async def test_a_file_has_one_owner(locked: Harness) -> None:
    first = await locked.open()
    second = locked.store()
    with pytest.raises(FileInUse):
        await second.open()
    await locked.close(first)
    await second.open()  # the same store, tried again, as a starting service does
    assert await fill(second, "p1") == 1
    await second.close()


async def test_a_lease_that_runs_keeps_others_out(leased: Harness) -> None:
    await leased.open(holder="one")
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")
    leased.clock.advance(LEASE_SECONDS - 1)
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")


async def test_a_lease_that_was_given_back_is_free_at_once(leased: Harness) -> None:
    first = await leased.open(holder="one")
    await fill(first, "p1")
    await leased.close(first)
    assert await fill(await leased.open(holder="two"), "p1", expected=1) == 2


@pytest.mark.parametrize("successor", ["one", "two"])
async def test_who_was_taken_over_is_shut_out_at_the_next_commit(leased: Harness, successor: str) -> None:
    old = await leased.open(holder="one")
    await fill(old, "p1")
    if successor == "two":
        leased.clock.advance(LEASE_SECONDS + 1)
    new = await leased.open(holder=successor)
    assert await fill(new, "p1") == 2
    for stream in ("p1", "p2"):
        with pytest.raises(StoreUnavailable):
            await fill(old, stream)
    assert await fill(new, "p1") == 3
    assert [row[1:4] for row in await new.read(events)] == [(1, "p1", 1), (2, "p1", 2), (3, "p1", 3)]


async def test_who_was_taken_over_gives_nothing_back(leased: Harness) -> None:
    old = await leased.open(holder="one")
    new = await leased.open(holder="one")
    await leased.close(old)
    with pytest.raises(LeaseHeld):
        await leased.open(holder="two")
    assert await fill(new, "p1") == 1
