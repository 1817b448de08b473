"""Mail to a large list is decided on in parts of bounded size, each once, and every member gets one copy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.delivery.handlers.list_posts import MEMBERS_AT_ONCE
from shared.events.delivery import DeliveryBounced, DeliveryListExpanded, DeliveryPlanned, DeliverySettled
from shared.events.mail import LARGEST_EVENT
from shared.eventstore.event import Event, encode
from shared.grpc.errors import Unavailable
from shared.rpc.mailfold.directory.v1 import directory_pb2, groups_pb2, lists_pb2
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import GroupsStub
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import ListsStub
from tests.integration.delivery.installation import BODY, ENQUEUE, Installation

DEVS = "devs@example.org"
LONGEST = "x" * 50
"""With it, the names of members are as long as servers accept."""


def lists_of(installation: Installation) -> Any:
    return ListsStub(installation.host.channel("directory", "operator"))


async def add_list(installation: Installation, *members: str, address: str = DEVS) -> None:
    stub = lists_of(installation)
    await stub.AddList(lists_pb2.AddListRequest(address=address, owners=["ann@example.org"]))
    await stub.ChangeList(lists_pb2.ChangeListRequest(name=address, members_only=False))
    for start in range(0, len(members), 1000):
        await stub.JoinList(lists_pb2.ListMembersRequest(name=address, members=members[start : start + 1000]))
    await installation.followed()


def parts_of(events: list[Event]) -> list[DeliveryListExpanded]:
    return [event for event in events if isinstance(event, DeliveryListExpanded)]


async def test_a_large_list_is_many_small_decisions_and_a_cut_repeats_only_the_last(installation: Installation) -> None:
    outside = [f"{number}{LONGEST}@{'y' * 60}.{'z' * 60}.{'w' * 60}.example" for number in range(900)]
    await add_list(installation, "ann@example.org", *outside, "bob@example.org")
    tried: list[str] = []

    async def sometimes_away(request: Any, context: Any) -> Any:
        tried.append(request.forward_path)
        if len(tried) == MEMBERS_AT_ONCE + 100:
            raise Unavailable("the queue is away")
        return await enqueue.behaviour(request, context)

    enqueue = installation.replace("outbound", ENQUEUE, sometimes_away)
    mail = await installation.submitted(DEVS, "ann@example.org")
    await installation.publish(mail)
    assert await installation.until_settled(mail.queue_id) == {DEVS: "delivered", "ann@example.org": "delivered"}
    events = await installation.events_of_mail(mail.queue_id)
    parts = parts_of(events)
    assert [type(event) for event in events] == [
        DeliveryPlanned,
        *([DeliveryListExpanded] * len(parts)),
        DeliverySettled,
    ]
    assert [len(part.steps) for part in parts] == [250, 250, 250, 152] and [part.ended for part in parts][-1]
    assert max(len(encode(part)) for part in parts) < LARGEST_EVENT // 3
    assert sorted(entry.recipient for entry in await installation.queued()) == sorted(outside)
    assert len(tried) - len(outside) <= MEMBERS_AT_ONCE, "only the part that was cut is tried again"
    assert (await installation.count("ann"), await installation.count("bob")) == (2, 1)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id, times=2)
    assert (await installation.count("ann"), await installation.count("bob")) == (2, 1)
    await installation.verify()


async def test_the_loop_is_not_held_by_a_large_list(installation: Installation) -> None:
    await add_list(installation, *(f"m{number}@example.net" for number in range(2_000)))
    mail = await installation.submitted(DEVS)
    turns = 0
    await installation.publish(mail)
    settling = asyncio.create_task(installation.until_settled(mail.queue_id))
    while not settling.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 2_000, "each copy lets others run"
    assert len(await installation.queued()) > 0
    assert sum(len(part.steps) for part in parts_of(await installation.events_of_mail(mail.queue_id))) == 2_000


async def test_a_dead_member_is_counted_and_the_author_hears_nothing(installation: Installation) -> None:
    await installation.add_people("full", quota_bytes=100)
    await installation.add_people("eve")
    await add_list(installation, "ann@example.org", "full@example.org", "eve@example.org")
    await installation.directory.ChangeAccount(
        directory_pb2.ChangeAccountRequest(address="eve@example.org", disabled=True)
    )
    await installation.followed()
    mail = await installation.submitted(DEVS)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    page = await lists_of(installation).ListMembers(lists_pb2.ListMembersPageRequest(name=DEVS))
    assert {member.address: (member.bounces, member.last_status) for member in page.members} == {
        "ann@example.org": (0, ""),
        "full@example.org": (1, "5.2.2"),
        "eve@example.org": (1, "5.2.1"),
    }
    events = await installation.events_of_mail(mail.queue_id)
    assert not any(isinstance(event, DeliveryBounced) for event in events)
    assert (await installation.count("ann"), await installation.count("bob")) == (1, 0)


async def test_a_group_is_expanded_when_a_post_arrives(installation: Installation) -> None:
    groups = GroupsStub(installation.host.channel("directory", "operator"))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="team", users=["ann", "bob"]))
    await groups.AddGroup(groups_pb2.AddGroupRequest(name="empty"))
    await add_list(installation, "ann@example.org", "group:team", "group:empty")
    mail = await installation.submitted(DEVS)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.count("bob")) == (1, 1)
    (part,) = parts_of(await installation.events_of_mail(mail.queue_id))
    assert [(step.action, step.address) for step in part.steps] == [
        ("store", "ann@example.org"),
        ("store", "bob@example.org"),
        ("discard", "group:empty"),
    ]
    assert "nobody in the group" in part.steps[-1].reason
    await groups.LeaveGroup(groups_pb2.MembersRequest(group="team", users=["bob"]))
    await installation.followed()
    mail = await installation.submitted(DEVS)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    assert (await installation.count("ann"), await installation.count("bob")) == (2, 1)


async def test_a_member_whose_domain_takes_no_message_of_this_size_gets_none(installation: Installation) -> None:
    await add_list(installation, "ann@example.org", "out@example.net")
    await installation.directory.SetDomainValue(
        directory_pb2.DomainValueRequest(name="example.org", value_name="max_message_size", value="65536")
    )
    await installation.followed()
    foreign = b"List-Archive: <https://example.net/>\r\n"  # without it, the message of the list has 65536 octets
    text = b"x\r\n" * ((65_536 - len(BODY)) // 3) + b"\r\n" * ((65_536 - len(BODY)) % 3 // 2)
    fitting = foreign + BODY + text + b"y" * (65_536 - len(BODY + text))
    for body, outcome in ((fitting, 1), (fitting + b"z", 1)):
        mail = await installation.submitted(DEVS, body=body)
        await installation.publish(mail)
        await installation.until_settled(mail.queue_id)
        assert await installation.count("ann") == outcome
    (part,) = parts_of(await installation.events_of_mail(mail.queue_id))
    left_out, sent = part.steps
    assert (left_out.action, left_out.address, left_out.rule) == ("discard", "ann@example.org", "5.2.3")
    assert (sent.action, sent.address) == ("enqueue", "out@example.net")
    page = await lists_of(installation).ListMembers(lists_pb2.ListMembersPageRequest(name=DEVS))
    assert [member.bounces for member in page.members] == [0, 0], "the address of the member works"


@pytest.mark.parametrize("spam", [True, False])
async def test_a_strangers_spam_is_not_distributed(installation: Installation, spam: bool) -> None:
    await add_list(installation, "ann@example.org", "out@example.net")
    mail = await installation.classified(DEVS, spam=spam)
    await installation.publish(mail)
    outcomes = await installation.until_settled(mail.queue_id)
    assert outcomes == {DEVS: "discarded" if spam else "delivered"}
    assert (await installation.count("ann"), len(await installation.queued())) == ((0, 0) if spam else (1, 1))


async def test_a_list_that_is_removed_meanwhile_ends_with_the_reason(installation: Installation) -> None:
    await add_list(installation, "ann@example.org")
    mail = await installation.submitted(DEVS)
    stub = lists_of(installation)

    async def removed(request: Any, context: Any) -> Any:
        await stub.RemoveList(lists_pb2.ListRequested(name=DEVS))
        return await listing.behaviour(request, context)

    listing = installation.replace("directory", "/mailfold.directory.v1.Lists/ListMembers", removed)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    (part,) = parts_of(await installation.events_of_mail(mail.queue_id))
    assert (part.steps, part.ended) == ((), True) and "removed" in part.reason
    assert await installation.count("ann") == 0


async def test_the_header_of_another_list_is_replaced_and_the_message_kept(installation: Installation) -> None:
    await add_list(installation, "ann@example.org")
    foreign = b"List-Id: <other.example.net>\r\nList-Archive: <https://example.net/>\r\n"
    needed: list[str] = []

    async def watched(request: Any, context: Any) -> Any:
        generation = request.blob.partition("/")[0]
        needed.extend([blob async for page in installation.delivery._referenced_blobs(generation) for blob in page])
        return await deliver.behaviour(request, context)

    deliver = installation.replace("mailstore", "/mailfold.mailstore.v1.Mailstore/Deliver", watched)
    mail = await installation.submitted(DEVS, body=foreign + BODY)
    await installation.publish(mail)
    await installation.until_settled(mail.queue_id)
    (message,) = await installation.messages("ann")
    assert message.endswith(BODY) and message.count(b"List-Id:") == 1 and b"List-Archive" not in message
    (part,) = parts_of(await installation.events_of_mail(mail.queue_id))
    assert part.blob and part.blob != mail.message.blob and part.size == len(BODY)
    assert part.blob in needed, "the message of a list is needed as long as its copies are handed over"
    await installation.verify()
