"""A followed address book: positive answers come from memory, negative ones from the owner, and none from an incomplete
copy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from shared.bus.bus import Bus
from shared.events import directory as directory_events
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.grpc.errors import ServiceError, Unavailable
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.owner.followed_book import FollowedBook
from shared.owner.source import to_wire
from shared.protocol.address.address import parse_address
from shared.routing.resolution import Resolution, ResolutionKind, Target
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryServicer, add_DirectoryServicer_to_server
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from tests.harness.source import PlainSource

ANN, BOB, FAR = map(parse_address, ("ann@example.org", "bob@example.org", "eve@elsewhere.example"))
EVENTS = (
    directory_events.DomainAdded("d1", "example.org", True),
    directory_events.AccountAdded("a1", "ann@example.org", "u1"),
)


class Owner(DirectoryServicer, PlainSource):
    """The directory, with events to follow and prepared answers. Its events cannot be read until `opened` is set."""

    def __init__(self) -> None:
        self.events: list[events_pb2.Event] = []
        self.opened = asyncio.Event()
        self.asked: list[str] = []
        self.away = False

    def add(self, event: Event) -> events_pb2.Event:
        position = len(self.events) + 1
        carried = to_wire(Recorded(0, position, "directory", position, 0, Provenance(Actor("system")), event))
        self.events.append(carried)
        return carried

    async def ReadEvents(
        self, request: events_pb2.ReadEventsRequest, context: Any
    ) -> AsyncIterator[events_pb2.EventBatch]:
        await self.opened.wait()
        for event in self.events[request.after.get(0, 0) :]:
            yield events_pb2.EventBatch(events=[event])

    async def Heads(self, request: events_pb2.HeadsRequest, context: Any) -> events_pb2.HeadsReply:
        if self.away:
            raise Unavailable("not now")
        return events_pb2.HeadsReply(heads={0: len(self.events)})

    async def Resolve(self, request: directory_pb2.ResolveRequest, context: Any) -> directory_pb2.Resolution:
        self.asked.append(request.address)
        if self.away:
            raise Unavailable("not now")
        target = directory_pb2.Target(address=request.address, account="a9", quota_bytes=7)
        return directory_pb2.Resolution(
            kind=directory_pb2.Resolution.ACCOUNTS, targets=[target], via="all@example.org", detail="tag"
        )


class Doorbells:
    """The part of a bus that a follower uses."""

    async def listen(self, subject: str, callback: Any) -> None:
        self.ring = callback

    def on_connected(self, callback: Any) -> None:
        self.connected = callback


@pytest.fixture
def owner() -> Owner:
    made = Owner()  # type: ignore[abstract]
    for log_event in EVENTS:
        made.add(log_event)
    return made


@pytest.fixture
async def book(owner: Owner) -> AsyncIterator[FollowedBook]:
    methods = methods_of(
        "directory", ((add_DirectoryServicer_to_server, owner), (add_EventSourceServicer_to_server, owner))
    )
    made = FollowedBook("delivery", LocalChannel(methods, "delivery"), cast(Bus, Doorbells()))
    await made.start()
    yield made
    await made.stop()


async def followed(book: FollowedBook, owner: Owner) -> None:
    """Wait until the copy has every event of the owner."""
    owner.opened.set()
    book.follower.wake()
    async with asyncio.timeout(30):
        while book.follower.positions[0] < len(owner.events) or not book.follower.caught_up.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_what_the_copy_knows_is_not_asked(book: FollowedBook, owner: Owner) -> None:
    await followed(book, owner)
    assert await book.resolve(ANN) == Resolution(ResolutionKind.ACCOUNTS, (Target("ann@example.org", "a1"),))
    assert owner.asked == []


@pytest.mark.parametrize("address", [BOB, FAR])
async def test_the_copy_alone_never_says_no(book: FollowedBook, owner: Owner, address: Any) -> None:
    await followed(book, owner)
    assert await book.resolve(address) == Resolution(
        ResolutionKind.ACCOUNTS, (Target(str(address), "a9", 7),), "all@example.org", "tag"
    )
    assert owner.asked == [str(address)]


async def test_a_copy_that_has_not_caught_up_is_not_believed(book: FollowedBook, owner: Owner) -> None:
    assert book.copy is None
    await book.resolve(ANN)
    assert owner.asked == ["ann@example.org"]


async def test_what_changes_is_followed(book: FollowedBook, owner: Owner) -> None:
    await followed(book, owner)
    owner.add(directory_events.AccountRemoved("a1", "ann@example.org"))
    owner.add(directory_events.AccountAdded("a2", "bob@example.org", "u2"))
    await followed(book, owner)
    assert (await book.resolve(BOB)).targets == (Target("bob@example.org", "a2"),)
    await book.resolve(ANN)
    assert owner.asked == ["ann@example.org"]


async def test_a_later_releases_event_about_addresses_makes_the_owner_answer_for_all(
    book: FollowedBook, owner: Owner
) -> None:
    owner.add(directory_events.AccountChanged("a1", True, 0)).schema = 99
    await followed(book, owner)
    assert book.copy is None
    await book.resolve(ANN)
    assert owner.asked == ["ann@example.org"]


async def test_a_later_releases_event_about_something_else_changes_nothing(book: FollowedBook, owner: Owner) -> None:
    owner.add(directory_events.DomainAdded("d9", "later.example", True)).type = "moon.risen"
    await followed(book, owner)
    await book.resolve(ANN)
    assert owner.asked == []


async def test_an_owner_that_cannot_be_asked(book: FollowedBook, owner: Owner) -> None:
    await followed(book, owner)
    assert await book.lag() == 0
    owner.away = True
    assert await book.lag() == -1
    with pytest.raises(ServiceError):
        await book.resolve(BOB)
