"""Which mailboxes changed after a version: the work grows with the changes and not with the mailboxes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore
from tests.integration.mailstore.test_all_mail import switch_on
from tests.integration.mailstore.test_quota import place, remove


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as opened:
        yield opened


async def version(mailstore: CountedMailstore) -> int:
    reply: pb.OpenAccountReply = await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT))
    return reply.version


async def changed(mailstore: CountedMailstore, since: int) -> pb.ChangedMailboxesReply:
    request = pb.ChangedMailboxesRequest(account=ACCOUNT, since=since)
    reply: pb.ChangedMailboxesReply = await mailstore.call("ChangedMailboxes", request)
    return reply


def names(reply: pb.ChangedMailboxesReply) -> list[str]:
    assert not reply.whole
    return sorted(mailbox.name for mailbox in reply.mailboxes)


async def test_each_kind_of_change_names_its_mailboxes(mailstore: CountedMailstore) -> None:
    before = await version(mailstore)
    assert names(await changed(mailstore, before)) == []
    await mailstore.append(3)
    reply = await changed(mailstore, before)
    assert names(reply) == ["INBOX"]
    assert (reply.mailboxes[0].messages, reply.mailboxes[0].uid_next) == (3, 4)
    for act, expected in (
        (place(mailstore, "Copy", 1, 1, "Archive"), ["Archive", "INBOX"]),
        (place(mailstore, "Move", 2, 2, "Trash"), ["INBOX", "Trash"]),
        (remove(mailstore, 3, 3), ["INBOX"]),
        (mailstore.deliver(), ["INBOX"]),
    ):
        before = (await changed(mailstore, before)).version
        await act
        assert names(await changed(mailstore, before)) == expected


async def test_names_and_subscriptions(mailstore: CountedMailstore) -> None:
    before = await version(mailstore)
    await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="a/b"))
    for subscribed in (True, False, True):
        request = pb.SubscribeMailboxRequest(account=ACCOUNT, name="x", subscribed=subscribed)
        await mailstore.call("SubscribeMailbox", request)
    reply = await changed(mailstore, before)
    assert names(reply) == ["a", "a/b"]
    assert [(change.name, change.subscribed) for change in reply.subscriptions] == [("x", True)]
    await mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="a/b"))
    reply = await changed(mailstore, reply.version)
    assert (names(reply), len(reply.gone)) == ([], 1)
    await mailstore.call("RenameMailbox", pb.RenameMailboxRequest(account=ACCOUNT, name="a", new_name="c"))
    assert (await changed(mailstore, reply.version)).whole


async def test_much_is_not_told_in_detail(mailstore: CountedMailstore) -> None:
    before = await version(mailstore)
    for _ in range(200):
        await mailstore.append()
    assert names(await changed(mailstore, before)) == ["INBOX"]
    await mailstore.append()
    assert (await changed(mailstore, before)).whole
    assert (await changed(mailstore, 0)).whole
    work = await mailstore.counted(lambda: changed(mailstore, 0))
    assert work.rows_read < 250


async def test_all_mail_changes_with_what_it_shows(mailstore: CountedMailstore) -> None:
    before = await version(mailstore)
    await switch_on(mailstore)
    reply = await changed(mailstore, before)
    assert names(reply) == ["All Mail"]
    await mailstore.append(2)
    reply = await changed(mailstore, reply.version)
    assert [(mailbox.name, mailbox.messages) for mailbox in reply.mailboxes] == [("INBOX", 2), ("All Mail", 2)]
    await mailstore.call("SubscribeMailbox", pb.SubscribeMailboxRequest(account=ACCOUNT, name="x", subscribed=True))
    assert names(await changed(mailstore, reply.version)) == []
