"""The contract about blocked and allowed senders: pages, repeats, accounts that are gone, and what followers read."""

from __future__ import annotations

from typing import Any

import pytest

from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.grpc.errors import AlreadyExists, Invalid, NotFound
from shared.owner.source import RemoteSource, from_wire
from shared.routing.block_lists import BlockLists
from shared.rpc.mailfold.directory.v1 import blocking_pb2 as pb
from shared.rpc.mailfold.directory.v1 import directory_pb2
from shared.rpc.mailfold.directory.v1.archives_pb2 import RemoveAccountRequest
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import ArchivesStub
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import BlockingStub
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from tests.integration.directory.conftest import Running

ANN = "ann@example.org"
REMOVAL = RemoveAccountRequest(account=ANN, fate=RemoveAccountRequest.DELETE)


def entries(*patterns: str, chosen: str = "block", account: str = "") -> pb.BlockingEntriesRequest:
    return pb.BlockingEntriesRequest(account=account, list=chosen, patterns=patterns)


async def listed(running: Running, chosen: str = "block", account: str = "") -> list[str]:
    """The whole list, in pages of two."""
    patterns: list[str] = []
    more = True
    while more:
        after = patterns[-1] if patterns else ""
        page = await BlockingStub(running.channel("operator")).ListEntries(
            pb.ListBlockingRequest(account=account, list=chosen, after=after, limit=2)
        )
        patterns += page.patterns
        more = page.more
    assert page.total == len(patterns)
    return patterns


async def followed(running: Running) -> BlockLists:
    """The lists of a service that begins to follow now."""
    lists = BlockLists()
    async for batch in RemoteSource(running.channel("classifier")).state():
        for event in batch.events:
            lists.apply(from_wire(event).event)
    return lists


async def verified(running: Running) -> bool:
    owner = OwnerStub(running.channel("operator"))
    *_, verdict = [entry async for entry in owner.Verify(owner_pb2.VerifyRequest())]
    return verdict.done and not verdict.differences


async def test_lists_are_changed_paged_and_followed(people: Running) -> None:
    stub = BlockingStub(people.channel("operator"))
    five = [f"b{number}@x.example" for number in range(5)]
    assert list((await stub.AddEntries(entries("X.example", *five))).patterns) == ["*@x.example", *five]
    assert list((await stub.AddEntries(entries("x.example", "y.example"))).patterns) == ["*@y.example"]
    await stub.AddEntries(entries("boss@x.example", chosen="allow", account=ANN))
    await stub.RemoveEntries(entries(*five))
    assert await listed(people) == ["*@x.example", "*@y.example"]
    assert await listed(people, "allow", ANN) == ["boss@x.example"]
    lists = await followed(people)
    account = (await people.stub.ShowAccount(directory_pb2.NameRequest(name=ANN))).id
    assert [entry.pattern for entry in lists.find(["boss@x.example"])] == ["*@x.example"]
    assert [entry.list for entry in lists.find(["boss@x.example"], account)] == ["allow"]
    assert await verified(people)
    await people.restart()
    assert await listed(people) == ["*@x.example", "*@y.example"]


async def test_a_repeated_command_has_the_same_answer(people: Running) -> None:
    stub = BlockingStub(people.channel("operator"))
    with acting(Provenance(Actor("operator"), command="c1")):
        first = await stub.AddEntries(entries("x.example"))
        assert await stub.AddEntries(entries("x.example")) == first
    with acting(Provenance(Actor("operator"), command="c2")):
        removed = await stub.RemoveEntries(entries("x.example"))
        assert await stub.RemoveEntries(entries("x.example")) == removed
    assert await listed(people) == []


async def test_a_new_holder_of_an_address_inherits_no_list(people: Running) -> None:
    stub = BlockingStub(people.channel("operator"))
    await stub.AddEntries(entries("x.example", account=ANN))
    await ArchivesStub(people.channel("operator")).RemoveAccount(REMOVAL)
    assert not (await followed(people)).has_own
    with pytest.raises(NotFound):
        await stub.AddEntries(entries("x.example", account=ANN))
    assert await verified(people)


async def test_a_refusal_adds_nothing(people: Running, events_of: Any) -> None:
    stub = BlockingStub(people.channel("operator"))
    await stub.AddEntries(entries("x.example"))
    with pytest.raises(AlreadyExists, match="other list"):
        await stub.AddEntries(entries("y.example", "x.example", chosen="allow"))
    with pytest.raises(Invalid, match="'@'"):
        await stub.AddEntries(entries("y.example", "@"))
    with pytest.raises(NotFound, match="not on the list"):
        await stub.RemoveEntries(entries("x.example", "y.example"))
    assert await listed(people, "allow") == [] and await listed(people) == ["*@x.example"]
    assert [name for name, _ in await events_of(people)].count("blocking.entries_added") == 1
