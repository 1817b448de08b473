"""A user removes 100,000 messages; they are listed and restored in pieces, and no piece grows with their number."""

from __future__ import annotations

from pathlib import Path

from services.mailstore.domain.decide import EVENT_MESSAGES
from shared.events.restoring import MessagesRestored
from shared.protocol.imap.ranges import count
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import SHARE, Turns
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, Work, counted_mailstore, spans

FEW, MANY, ALL = 1_600, 25_600, 100_000


async def removed(mailstore: CountedMailstore, messages: int) -> None:
    """Fill INBOX with copies of a few messages, and expunge all."""
    view = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))
    inbox, there = view.mailbox.id, 200
    await mailstore.append(there)
    while there < messages:
        more = min(there, messages - there, 25_600)
        request = pb.CopyRequest(account=ACCOUNT, mailbox=inbox, uids=spans((1, more)), target="INBOX", messages=more)
        await mailstore.call("Copy", request)
        there += more
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox, uids=spans((1, there)), flags=["\\Deleted"], quiet=True)
    await mailstore.call("Store", store)
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox))


async def work_of_a_page(database: Path, messages: int) -> Work:
    async with counted_mailstore(database) as mailstore:
        await removed(mailstore, messages)
        return await mailstore.counted(lambda: mailstore.listed(limit=200))


async def test_a_page_of_the_list_costs_the_same_in_a_large_account(tmp_path: Path) -> None:
    few = await work_of_a_page(tmp_path / "few.sqlite", FEW)
    many = await work_of_a_page(tmp_path / "many.sqlite", MANY)
    assert few.rows_read == many.rows_read
    assert many.steps <= 1.5 * few.steps


async def test_a_hundred_thousand_messages_are_listed_and_restored_in_pieces(tmp_path: Path) -> None:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        await removed(mailstore, ALL)
        mailstore.turns.longest = Turns().longest
        before = mailstore.so_far
        assert len(await mailstore.listed()) == ALL
        assert mailstore.turns.longest.cost <= 2 * SHARE
        work = mailstore.so_far - before
        assert work.rows_read <= 1.1 * ALL
        assert work.statements >= ALL / 200
        assert await mailstore.restore() == {"INBOX": ALL}
        stream = await mailstore.store.read_stream(ACCOUNT)
        events = [entry.event for entry in stream if isinstance(entry.event, MessagesRestored)]
        assert [count(event.uids) for event in events] == [EVENT_MESSAGES] * (ALL // EVENT_MESSAGES)
        assert await mailstore.listed() == []
