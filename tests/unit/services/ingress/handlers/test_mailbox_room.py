"""Which recipients are refused because their mailboxes are full, and how seldom the mailstore is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from services.ingress.handlers.mailbox_room import MailboxRoom
from shared.bus.bus import Bus
from shared.bus.subjects import QUOTA_DOORBELL
from shared.grpc.errors import Unavailable
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.protocol.address.address import parse_address
from shared.routing.resolution import Target
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2, quota_pb2
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreServicer, add_MailstoreServicer_to_server
from shared.rpc.mailfold.mailstore.v1.quota_pb2_grpc import QuotaServicer, add_QuotaServicer_to_server

ANN = parse_address("ann@example.org")
FULL = mailstore_pb2.QuotaReply(used_bytes=1000, messages=9, limit_bytes=1000)
NEARLY = mailstore_pb2.QuotaReply(used_bytes=900, messages=9, limit_bytes=1000, limit_messages=10)


class Mailstore(MailstoreServicer, QuotaServicer):
    """Prepared answers by account; it gives a page of two accounts at a time, and counts the questions."""

    def __init__(self) -> None:
        self.quotas: dict[str, mailstore_pb2.QuotaReply] = {}
        self.asked = 0
        self.is_away = False

    async def ListNearlyFull(self, request: quota_pb2.NearlyFullRequest, context: Any) -> quota_pb2.NearlyFullReply:
        return quota_pb2.NearlyFullReply(accounts=sorted(name for name in self.quotas if name > request.after)[:2])

    async def Quota(self, request: mailstore_pb2.QuotaRequest, context: Any) -> mailstore_pb2.QuotaReply:
        self.asked += 1
        if self.is_away:
            raise Unavailable("not now")
        return self.quotas[request.account]


class Bells:
    """The part of a bus that the room uses."""

    async def listen(self, subject: str, callback: Any) -> None:
        assert subject == QUOTA_DOORBELL
        self.ring = callback


class Place:
    """A room with its mailstore and its bell."""

    def __init__(self, *, is_refusal_final: bool = False) -> None:
        self.mailstore = Mailstore()  # type: ignore[abstract]
        servicers = (
            (add_MailstoreServicer_to_server, self.mailstore),
            (add_QuotaServicer_to_server, self.mailstore),
        )
        channel = LocalChannel(methods_of("mailstore", servicers), "ingress")
        self.bells = Bells()
        self.room = MailboxRoom(channel, cast(Bus, self.bells), is_refusal_final=is_refusal_final)

    async def warned(self, **quotas: mailstore_pb2.QuotaReply) -> None:
        """Wait until the room knows these accounts."""
        self.mailstore.quotas = quotas
        self.bells.ring("", b"")
        async with asyncio.timeout(30):
            while self.room.nearly_full != quotas.keys():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def refused(self, *accounts: str, size: int = 0, recipient: str = "ann@example.org") -> str:
        """The code and status of the refusal; empty for none."""
        targets = [Target(f"{account}@example.org", account) for account in accounts]
        reply = await self.room.refusal(parse_address(recipient), targets, size)
        return reply.encode().decode()[:9] if reply is not None else ""


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    await made.room.start()
    yield made
    await made.room.stop()


async def test_accounts_with_room_are_not_asked_about(place: Place) -> None:
    assert await place.refused("a1") == ""
    await place.warned(a2=FULL)
    assert (await place.refused("a1"), await place.refused("a1", "a2"), await place.refused("", "a2")) == ("", "", "")
    assert place.mailstore.asked == 0


async def test_the_full_are_refused_for_now(place: Place) -> None:
    await place.warned(a1=NEARLY, a2=FULL, a3=FULL, a4=FULL, a5=FULL)  # three pages
    assert (await place.refused("a2"), await place.refused("a5")) == ("452 4.2.2", "452 4.2.2")
    assert (await place.refused("a1"), await place.refused("a1", size=100), await place.refused("a2", "a1")) == (
        "",
        "",
        "",
    )
    assert await place.refused("a1", size=101) == "452 4.2.2"
    assert await place.refused("a1", size=1001) == "552 5.2.2"
    await place.warned()
    assert await place.refused("a2") == ""


async def test_the_limit_of_messages_counts_too(place: Place) -> None:
    await place.warned(a1=mailstore_pb2.QuotaReply(messages=10, limit_messages=10))
    assert await place.refused("a1") == "452 4.2.2"


async def test_an_alias_is_refused_when_all_of_its_few_targets_are_full(place: Place) -> None:
    many = {f"a{number:02}": FULL for number in range(11)}
    await place.warned(**many)
    assert await place.refused(*list(many)[:10]) == "452 4.2.2"
    assert place.mailstore.asked == 10
    assert await place.refused(*many) == ""
    assert place.mailstore.asked == 10


async def test_mail_to_postmaster_and_without_an_answer_is_accepted(place: Place) -> None:
    await place.warned(a1=FULL)
    assert await place.refused("a1", recipient="PostMaster@example.org") == ""
    place.mailstore.is_away = True
    assert await place.refused("a1") == ""


async def test_a_setting_makes_the_refusal_final() -> None:
    place = Place(is_refusal_final=True)
    await place.room.start()
    await place.warned(a1=FULL)
    assert await place.refused("a1") == "552 5.2.2"
    await place.room.stop()
