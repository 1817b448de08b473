"""The content of a deleted account is erased in small units of work, and `verify` finds nothing at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.handlers import erasure
from services.mailstore.handlers.erasure import Eraser, closure, erase_page, forget_page
from shared.events.closing import AccountClosed, AccountReopened
from shared.eventstore.event import Actor, Provenance
from shared.grpc.errors import NotFound
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans
from tests.integration.mailstore.listed import Listed

OTHER = "a-bob"
MESSAGES = 120
PAGE = 25
BY = Provenance(Actor("system"))
TABLES = ("account", "mailbox", "subscription", "thread_reference", "borne_name")


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, so that an erasure has many steps."""
    monkeypatch.setattr(erasure, "_PAGE", PAGE)
    monkeypatch.setattr(erasure, "_MAILBOXES", 3)


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """An account with a history: copies, moves, expunged messages, renamed and deleted mailboxes; and another one."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as opened:
        await opened.append(MESSAGES)
        await opened.call("OpenAccount", pb.OpenAccountRequest(account=OTHER))
        for name in ("One", "One/Two", "Gone"):
            await opened.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name=name))
        await opened.call("RenameMailbox", pb.RenameMailboxRequest(account=ACCOUNT, name="One", new_name="New"))
        inbox = await inbox_of(opened)
        everything = spans((1, 20))
        for method, target in (("Copy", "New/Two"), ("Move", "Trash")):
            await opened.call(
                method,
                pb.CopyRequest(account=ACCOUNT, mailbox=inbox, uids=everything, target=target, messages=20),
            )
        store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox, uids=spans((30, 40)), flags=["\\Deleted"])
        await opened.call("Store", store)
        await opened.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox))
        await opened.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Gone"))
        yield opened


async def inbox_of(mailstore: CountedMailstore) -> str:
    view = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))
    return str(view.mailbox.id)


async def close(mailstore: CountedMailstore, *, erase: bool) -> None:
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, erase)], BY))


async def rows_of(mailstore: CountedMailstore, account: str) -> dict[str, int]:
    """How many rows an account has in each table."""

    def count(reader: Any) -> dict[str, int]:
        found = {
            table: reader.first_row(f"SELECT count(*) FROM {table} WHERE account = ?", (account,))[0]
            for table in TABLES
        }
        return {table: number for table, number in found.items() if number}

    return await mailstore.store.read(count)


async def entries(mailstore: CountedMailstore) -> int:
    rows = await mailstore.store.read(lambda reader: reader.all("SELECT count(*) FROM entry"))
    return int(rows[0][0])


async def test_every_step_of_an_erasure_leaves_a_clean_store(mailstore: CountedMailstore) -> None:
    store, others = mailstore.store, await rows_of(mailstore, OTHER)
    await close(mailstore, erase=True)
    steps = 0
    while (await store.read(partial(closure, account=ACCOUNT))).state == "erasing":
        await store.write(partial(erase_page, account=ACCOUNT), long=True)
        steps += 1
        assert (await store.verify()).equal
    assert steps >= MESSAGES // PAGE + 8 // 3
    assert (await rows_of(mailstore, ACCOUNT), await entries(mailstore)) == ({}, 0)
    version = (await store.read(lambda reader: reader.all("SELECT version FROM closed_account")))[0][0]
    while await store.write(partial(forget_page, account=ACCOUNT, before=version), long=True):
        assert (await store.verify()).equal
    left = await store.read_stream(ACCOUNT)
    assert [recorded.event.stored_name for recorded in left] == ["mailbox.account_erased"]
    assert await store.read(partial(closure, account=ACCOUNT)) == ("erased", 0, 0)
    assert await rows_of(mailstore, OTHER) == others
    assert await store.rebuild() > 0
    assert await rows_of(mailstore, OTHER) == others


@pytest.mark.parametrize("pages_done", [0, 2, 6])
@pytest.mark.parametrize("forgotten", [0, 1])
async def test_an_erasure_goes_on_at_the_next_start(
    mailstore: CountedMailstore, pages_done: int, forgotten: int
) -> None:
    """The first process ends after so many steps, the second does the rest."""
    store = mailstore.store
    await close(mailstore, erase=True)
    for _ in range(50 if forgotten else pages_done):
        await store.write(partial(erase_page, account=ACCOUNT))
    for _ in range(forgotten):
        await store.write(
            partial(forget_page, account=ACCOUNT, before=await store.write(lambda tx: tx.version(ACCOUNT)))
        )
    eraser = Eraser("mailstore", store)
    store.on_commit(eraser.committed)
    eraser.start()
    async with asyncio.timeout(60):
        while await store.read(partial(closure, account=ACCOUNT)) != ("erased", 0, 0):  # noqa: ASYNC110 -- it waits for another task
            await asyncio.sleep(0.01)
    await eraser.stop()
    assert (await store.verify()).equal
    assert await entries(mailstore) == 0


async def test_a_running_eraser_begins_with_the_event(mailstore: CountedMailstore) -> None:
    eraser = Eraser("mailstore", mailstore.store)
    mailstore.store.on_commit(eraser.committed)
    eraser.start()
    await asyncio.sleep(0)
    await close(mailstore, erase=True)
    async with asyncio.timeout(20):  # less than its idle time
        while await mailstore.store.read(partial(closure, account=ACCOUNT)) != ("erased", 0, 0):  # noqa: ASYNC110 -- it waits for another task
            await asyncio.sleep(0.01)
    await eraser.stop()


async def test_nothing_is_delivered_to_a_removed_account(mailstore: CountedMailstore) -> None:
    await close(mailstore, erase=False)
    before = await entries(mailstore)
    with pytest.raises(NotFound, match="removed"):
        await mailstore.deliver()
    with pytest.raises(NotFound):
        await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="Late"))
    assert await entries(mailstore) == before
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountReopened(ACCOUNT)], BY))
    await mailstore.deliver()
    assert await entries(mailstore) == before + 1
    assert (await mailstore.store.verify()).equal


async def test_a_session_that_outlives_its_account_makes_nothing(mailstore: CountedMailstore) -> None:
    await close(mailstore, erase=True)
    for _ in range(50):
        await mailstore.store.write(partial(erase_page, account=ACCOUNT))
    with pytest.raises(NotFound):
        await mailstore.append()
    for method, request in (
        ("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="Late")),
        ("SubscribeMailbox", pb.SubscribeMailboxRequest(account=ACCOUNT, name="Late", subscribed=True)),
        ("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT)),
    ):
        with pytest.raises(NotFound, match="removed"):
            await mailstore.call(method, request)
    with pytest.raises(NotFound, match="removed"):
        await mailstore.deliver()
    assert await rows_of(mailstore, ACCOUNT) == {}


async def test_an_erased_account_leaves_nothing_in_the_listing(tmp_path: Path) -> None:
    path = tmp_path / "listing.sqlite"
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False, listing=path) as mailstore:
        await mailstore.append(MESSAGES)
        listed = Listed(mailstore)
        inbox = await listed.built()
        assert len(await listed.records(inbox)) == MESSAGES
        await close(mailstore, erase=True)
        while (await mailstore.store.read(partial(closure, account=ACCOUNT))).state == "erasing":
            await mailstore.store.write(partial(erase_page, account=ACCOUNT), long=True)
        await mailstore.builder.tidy_all()
        assert await listed.records(inbox) == []
        rows = await mailstore.listing.write(lambda file: file.mailboxes("", 10))
        assert rows == []
        assert not path.with_name("listing.sqlite-wal").stat().st_size
