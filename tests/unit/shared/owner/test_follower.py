"""A follower continues only in the log that it has followed, so it misses no event of a restored owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy

from shared.background import running
from shared.bus.bus import Bus
from shared.clock import FixedClock
from shared.events import directory as events
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.owner.follower import Follower, Places
from shared.owner.source import OCTETS, RemoteSource, StoreSource
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from tests.contract.eventstore.restored import forget
from tests.harness.waiting import until_true

PROVENANCE = Provenance(Actor("system"))
STREAM = "directory"


class Doorbells:
    """The part of a bus that a follower uses."""

    async def listen(self, subject: str, callback: Any) -> None:
        self.ring = callback

    def on_connected(self, callback: Any) -> None:
        self.connected = callback


class Owner:
    """A service whose store can be restored from a backup while its followers run."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self._folder = folder

    async def start(self) -> None:
        self.store = EventStore(SqliteBackend(self._folder / "owner.sqlite"), sqlalchemy.MetaData(), (), self.clock)
        await self.store.open()
        methods = methods_of("directory", ((add_EventSourceServicer_to_server, StoreSource(self.store)),))
        self.channel = LocalChannel(methods, "delivery")

    async def add(self, *names: str) -> None:
        """Append events, a minute apart."""
        for name in names:
            self.clock.advance(61)
            await self.append(events.DomainAdded(name, name))

    async def append(self, *some: Event) -> None:
        await self.store.write(lambda transaction: transaction.append(STREAM, some, PROVENANCE))

    async def restore(self, position: int) -> None:
        """Restore the store from a backup; the same object answers, as if nobody had noticed a restart."""
        (shard,) = await self.store.heads()
        await self.store.write(lambda transaction: forget(transaction, shard, position))
        self.store._heads.positions[shard] = position


class Copy:
    """The events that a follower has seen."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.batches: list[int] = []

    async def effect(self, batch: Sequence[pb.Event], _after: Places) -> None:
        from shared.owner.source import from_wire

        self.batches.append(sum(len(event.data) for event in batch))
        self.names += [getattr(from_wire(event).event, "name", event.type) for event in batch]


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    made = Owner(tmp_path)
    await made.start()
    yield made
    await made.store.close()


@pytest.fixture
def copy() -> Copy:
    return Copy()


@pytest.fixture
def bells() -> Doorbells:
    return Doorbells()


@pytest.fixture
async def follower(owner: Owner, copy: Copy, bells: Doorbells) -> AsyncIterator[Follower]:
    made = Follower(
        "delivery", RemoteSource(owner.channel), cast(Bus, bells), "directory", copy.effect, gather_seconds=0.0
    )
    await made.start()
    yield made
    await made.stop()


async def test_an_owner_that_was_restored_and_has_grown_past_its_follower(
    owner: Owner, follower: Follower, copy: Copy
) -> None:
    """Its new events have positions that the follower has already read; they used to be skipped."""
    await owner.add("a", "b", "lost1", "lost2")
    follower.wake()
    await until_true(lambda: copy.names[-1:] == ["lost2"])
    await owner.restore(2)
    await owner.add("new1", "new2", "new3")
    follower.wake()
    await until_true(lambda: copy.names[-1:] == ["new3"])
    assert copy.names[:4] == ["a", "b", "lost1", "lost2"]
    assert copy.names[-3:] == ["new1", "new2", "new3"]


async def test_an_owner_that_was_restored_and_writes_nothing(
    owner: Owner, follower: Follower, bells: Doorbells
) -> None:
    """The follower is ahead of it, which a comparison finds and reports."""
    await owner.add("a", "b", "lost1", "lost2")
    follower.wake()
    await until_true(lambda: sum(follower.positions.values()) == 4)
    await owner.restore(2)
    await bells.connected()
    await until_true(lambda: sum(follower.positions.values()) == 2)
    (task,) = running("delivery")
    assert "the log of directory was another than was followed" in task.note
    await until_true(lambda: task.trouble() == "")


async def test_while_it_follows_anew_it_is_not_well(
    owner: Owner, follower: Follower, copy: Copy, bells: Doorbells
) -> None:
    """The owner's head is unchanged, so only a comparison finds it."""
    await owner.add("a", "b", "lost")
    follower.wake()
    await until_true(lambda: copy.names[-1:] == ["lost"])
    await owner.restore(1)
    await owner.add("new1", "new2")
    gate, effect = asyncio.Event(), copy.effect

    async def slow(batch: Sequence[pb.Event], after: Places) -> None:
        await gate.wait()
        await effect(batch, after)

    follower._effect = slow
    await bells.connected()
    (task,) = running("delivery")
    await until_true(lambda: task.trouble() != "")
    assert "2 events are followed anew now" in task.trouble()
    assert not follower.caught_up.is_set()
    gate.set()
    await until_true(lambda: copy.names[-1:] == ["new2"] and task.trouble() == "")


async def test_the_same_owner_is_never_taken_for_another(owner: Owner, follower: Follower, bells: Doorbells) -> None:
    for name in ("a", "b", "c"):
        await owner.add(name)
        await bells.connected()
        await until_true(lambda: sum(follower.positions.values()) == sum(owner.store._heads.positions))
    (task,) = running("delivery")
    assert task.note == ""


async def test_batches_are_bounded_in_octets(owner: Owner, follower: Follower, copy: Copy) -> None:
    """500 events of a megabyte used to be one message."""
    long = "x" * (OCTETS // 3)
    await owner.append(*(events.DomainAdded(f"d{number}", long) for number in range(40)))
    follower.wake()
    await until_true(lambda: len(copy.names) == 40)
    assert max(copy.batches) <= OCTETS + len(long) + 100


async def test_log_ins_are_not_sent_to_who_does_not_want_them(owner: Owner, copy: Copy, bells: Doorbells) -> None:
    await owner.append(*(events.LoginSucceeded("u", "a", "imap") for _ in range(3000)), events.DomainAdded("d", "d"))
    await owner.append(*(events.LoginSucceeded("u", "a", "imap") for _ in range(3000)))
    source = RemoteSource(owner.channel)
    follower = Follower("delivery", source, cast(Bus, bells), "directory", copy.effect, areas=("domain.", "account."))
    await follower.start()
    await until_true(lambda: sum(follower.positions.values()) == 6001)
    assert copy.names == ["d"]
    assert await follower.lag() == 0
    await follower.stop()


async def test_a_batch_that_ends_within_a_page_reaches_its_last_event(owner: Owner) -> None:
    """A follower that ends between two batches continues after the first one."""
    await owner.add("a", "b", "c")
    (shard,) = await owner.store.heads()
    batches = [batch async for batch in RemoteSource(owner.channel).read({}, batch=2)]
    assert [[event.position for event in batch.events] for batch in batches] == [[1, 2], [3]]
    assert [batch.reached[shard].position for batch in batches] == [2, 3]
    assert [batch.reached[shard].at for batch in batches] == [batch.events[-1].at for batch in batches]


@pytest.mark.parametrize(("events_written", "turns_given"), [(1, 0), (40, 0), (640, 10)])
async def test_a_look_gives_others_a_turn_only_when_there_is_much_to_read(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, events_written: int, turns_given: int
) -> None:
    await owner.append(*(events.DomainAdded(f"d{number}", "d") for number in range(events_written)))
    given: list[float] = []
    monkeypatch.setattr("shared.owner.source.asyncio", SimpleNamespace(sleep=recorded_sleep(given)))
    read = [event async for batch in RemoteSource(owner.channel).read({}) for event in batch.events]
    assert (len(read), len(given)) == (events_written, turns_given)


def recorded_sleep(given: list[float]) -> Callable[[float], Awaitable[None]]:
    async def sleep(seconds: float) -> None:
        given.append(seconds)

    return sleep
