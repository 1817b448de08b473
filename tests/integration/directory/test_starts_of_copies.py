"""At its start a copy reads the directory's present state, not its whole log, and never the log-ins."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from shared.bus.bus import Bus
from shared.events.directory import LoginSucceeded
from shared.eventstore.event import Actor, Provenance
from shared.owner.followed_book import FollowedBook
from shared.protocol.address.address import parse_address
from shared.routing.resolution import ResolutionKind
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from tests.integration.directory.conftest import Running

PROVENANCE = Provenance(Actor("user"))
LOG_INS = 5000
COPIES = ("ingress", "classifier", "delivery")


class Doorbells:
    """The part of a bus that a follower uses."""

    async def listen(self, subject: str, callback: Any) -> None:
        self.ring = callback

    def on_connected(self, callback: Any) -> None:
        self.connected = callback


async def book(running: Running, service: str) -> FollowedBook:
    made = FollowedBook(service, running.channel(service), cast(Bus, Doorbells()))
    await made.start()
    async with asyncio.timeout(30):
        await made.follower.caught_up.wait()
    return made


async def log_in(running: Running, count: int) -> None:
    some = [LoginSucceeded("u1", "a1", "imap")] * count
    store = running.store
    await store.write(lambda transaction: transaction.append("logins:2026-01-01", some, PROVENANCE))


async def test_three_copies_read_the_state_and_no_log_in(people: Running) -> None:
    for number in range(20):
        await people.stub.AddAlias(pb.AddAliasRequest(address=f"n{number}@example.org", targets=["ann@example.org"]))
        await people.stub.RemoveAlias(pb.NameRequest(name=f"n{number}@example.org"))
    await people.stub.AddAlias(pb.AddAliasRequest(address="info@example.org", targets=["ann@example.org"]))
    await log_in(people, LOG_INS)
    before = people.store.figures["rows_read"]
    copies = [await book(people, service) for service in COPIES]
    read = people.store.figures["rows_read"] - before
    assert read < 600  # the state, the heads and places of 16 shards, and the places that are compared again
    for made in copies:
        assert (await made.resolve(parse_address("info@example.org"))).kind is ResolutionKind.ACCOUNTS
        assert await made.lag() == 0
        await made.stop()


async def test_what_is_switched_off_is_so_in_a_copy(people: Running) -> None:
    await people.stub.ChangeAccount(pb.ChangeAccountRequest(address="ann@example.org", disabled=True))
    made = await book(people, "ingress")
    assert made.copy is not None
    assert made.copy.resolve(parse_address("ann@example.org")).kind is ResolutionKind.DISABLED
    await people.stub.ChangeAccount(pb.ChangeAccountRequest(address="ann@example.org", disabled=False))
    made.follower.wake()
    async with asyncio.timeout(30):
        while made.copy.resolve(parse_address("ann@example.org")).kind is ResolutionKind.DISABLED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await made.stop()


@pytest.mark.parametrize("service", COPIES)
async def test_log_ins_that_follow_are_not_carried(people: Running, service: str) -> None:
    made = await book(people, service)
    seen: list[str] = []
    fold = made._fold

    async def watched(events: Any, after: Any) -> None:
        seen.extend(event.type for event in events)
        await fold(events, after)

    made.follower._effect = watched
    await log_in(people, 3000)
    made.follower.wake()
    async with asyncio.timeout(30):
        while await made.lag():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert seen == []
    await made.stop()
