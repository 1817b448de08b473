"""The quota of an account: octets and messages, within the unit of work; warnings once per crossing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.endpoints.quota import QuotaEndpoint
from shared.events.quota import QuotaEased, QuotaWarned
from shared.eventstore.event import Event
from shared.grpc.errors import LimitReached
from shared.protocol.imap.ranges import count
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import quota_pb2
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """An empty mailbox store."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as opened:
        yield opened


async def mailbox(mailstore: CountedMailstore, name: str) -> pb.Mailbox:
    asked: pb.MailboxList = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, name=name))
    return asked.mailboxes[0]


async def place(mailstore: CountedMailstore, method: str, first: int, last: int, target: str) -> pb.CopyReply:
    inbox = await mailbox(mailstore, "INBOX")
    request = pb.CopyRequest(
        account=ACCOUNT, mailbox=inbox.id, uids=spans((first, last)), target=target, messages=last - first + 1
    )
    reply: pb.CopyReply = await mailstore.call(method, request)
    return reply


async def remove(mailstore: CountedMailstore, first: int, last: int) -> int:
    """Expunge messages of INBOX; returns how many were removed."""
    inbox, uids = await mailbox(mailstore, "INBOX"), spans((first, last))
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=uids, flags=["\\Deleted"])
    await mailstore.call("Store", store)
    reply: pb.ExpungeReply = await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id))
    return reply.messages


async def quota_events(mailstore: CountedMailstore) -> list[Event]:
    recorded = await mailstore.store.read_stream(ACCOUNT)
    return [entry.event for entry in recorded if isinstance(entry.event, QuotaWarned | QuotaEased)]


async def warnings(mailstore: CountedMailstore) -> list[tuple[type[Event], int]]:
    return [(type(event), event.percent) for event in await quota_events(mailstore)]  # type: ignore[attr-defined]


async def used(mailstore: CountedMailstore) -> pb.QuotaReply:
    reply: pb.QuotaReply = await mailstore.call("Quota", pb.QuotaRequest(account=ACCOUNT))
    return reply


async def test_a_race_never_exceeds_either_limit(mailstore: CountedMailstore) -> None:
    mailstore.quotas.limits = QuotaLimits(messages=7)
    done = await asyncio.gather(*(mailstore.deliver() for _ in range(40)), return_exceptions=True)
    assert [type(error) for error in done if isinstance(error, Exception)] == [LimitReached] * 33
    reply = await used(mailstore)
    assert (reply.messages, reply.limit_messages, reply.limit_bytes) == (7, 7, 0)
    mailstore.quotas.limits = QuotaLimits(octets=reply.used_bytes * 2)
    done = await asyncio.gather(*(mailstore.deliver() for _ in range(40)), return_exceptions=True)
    assert {type(error) for error in done if isinstance(error, Exception)} == {LimitReached}
    room = mailstore.quotas.limits.octets - (await used(mailstore)).used_bytes
    assert 0 <= room < reply.used_bytes // 7 + 20  # less than another mail, whose number may have more digits


async def test_each_way_into_the_account_asks_both_limits(mailstore: CountedMailstore) -> None:
    await mailstore.append(4)
    mailstore.quotas.limits = QuotaLimits(messages=5)
    with pytest.raises(LimitReached, match="4 of 5 messages are used, 2 more do not fit"):
        await mailstore.append(2)
    with pytest.raises(LimitReached, match="4 of 5 messages are used, 4 more do not fit"):
        await place(mailstore, "Copy", 1, 4, "Archive")
    await mailstore.deliver()
    with pytest.raises(LimitReached, match="5 of 5 messages are used, 1 more do not fit"):
        await mailstore.deliver()
    mailstore.quotas.limits = QuotaLimits(octets=(await used(mailstore)).used_bytes)
    for attempt in (mailstore.deliver(), mailstore.append(1), place(mailstore, "Copy", 1, 1, "Archive")):
        with pytest.raises(LimitReached, match="octets are used"):
            await attempt


async def test_a_full_account_moves_and_puts_some_into_trash(mailstore: CountedMailstore) -> None:
    await mailstore.append(20)
    mailstore.quotas.limits = QuotaLimits(messages=20)
    moved = await place(mailstore, "Move", 1, 10, "Archive")
    assert list(moved.source.bounds) == [1, 10]
    copied = await place(mailstore, "Copy", 11, 12, "Trash")
    assert count(tuple(zip(*[iter(copied.target.bounds)] * 2, strict=True))) == 2
    with pytest.raises(LimitReached, match="22 of 22 messages are used, 1 more do not fit"):
        await place(mailstore, "Copy", 13, 13, "Trash")
    assert (await place(mailstore, "Move", 13, 20, "Trash")).source.bounds


async def test_a_warning_is_given_once_per_crossing(mailstore: CountedMailstore) -> None:
    mailstore.quotas.limits = QuotaLimits(messages=20)
    for _ in range(19):
        await mailstore.deliver()
    assert await warnings(mailstore) == [(QuotaWarned, 80), (QuotaWarned, 95)]
    first = (await quota_events(mailstore))[0]
    assert isinstance(first, QuotaWarned)
    assert (first.used_messages, first.limit_messages, first.limit_bytes) == (16, 20, 0)
    await remove(mailstore, 1, 1)  # 90 per cent is not clearly below 95
    await mailstore.deliver()
    assert len(await warnings(mailstore)) == 2
    await remove(mailstore, 2, 3)
    assert (await warnings(mailstore))[2:] == [(QuotaEased, 80)]
    await mailstore.append(2)
    assert (await warnings(mailstore))[3:] == [(QuotaWarned, 95)]
    assert await remove(mailstore, 1, 30) == 19
    assert (await warnings(mailstore))[4:] == [(QuotaEased, 0)]
    await mailstore.append(19)  # one mail for both
    assert (await warnings(mailstore))[5:] == [(QuotaWarned, 95)]


async def test_without_a_limit_nothing_is_noted(mailstore: CountedMailstore) -> None:
    await mailstore.append(50)
    await remove(mailstore, 1, 50)
    assert await quota_events(mailstore) == []


async def test_a_deleted_mailbox_makes_room(mailstore: CountedMailstore) -> None:
    mailstore.quotas.limits = QuotaLimits(messages=10)
    await mailstore.append(9)
    await place(mailstore, "Move", 1, 9, "Archive")
    assert await nearly_full(mailstore) == [ACCOUNT]
    await mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Archive"))
    assert await warnings(mailstore) == [(QuotaWarned, 80), (QuotaEased, 0)]
    assert await nearly_full(mailstore) == []


async def nearly_full(mailstore: CountedMailstore) -> list[str]:
    endpoint = QuotaEndpoint(mailstore.store)
    return list((await endpoint.ListNearlyFull(quota_pb2.NearlyFullRequest(), None)).accounts)


async def test_the_notification_is_never_refused_and_causes_none(mailstore: CountedMailstore) -> None:
    mailstore.quotas.limits = QuotaLimits(messages=3)
    await mailstore.append(3)
    (warned,) = await quota_events(mailstore)
    assert isinstance(warned, QuotaWarned)
    assert (await mailstore.deliver(queue_id=warned.report)).uid == 4
    with pytest.raises(LimitReached):
        await mailstore.deliver()
    assert await quota_events(mailstore) == [warned]


async def test_postmaster_gets_some_mail_beyond_the_quota(mailstore: CountedMailstore) -> None:
    mailstore.quotas.limits = QuotaLimits(messages=10)
    await mailstore.append(10)
    assert (await mailstore.deliver(recipient="Postmaster@example.org")).uid == 11
    with pytest.raises(LimitReached, match="11 of 11 messages"):
        await mailstore.deliver(recipient="postmaster@example.org")
