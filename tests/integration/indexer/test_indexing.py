"""What happens in mailboxes comes into the index by itself: new, copied, moved and removed messages, in any order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from services.indexer.adapters.catalog import Catalog, Task, catalog_tables
from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import Batch
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.documents import DocumentReader
from services.indexer.handlers.indexing import Indexing
from services.indexer.handlers.sweep import Sweep
from services.indexer.index_settings import IndexSettings
from services.mailstore.endpoints.documents import DocumentsEndpoint
from shared.blobs.blob_id import BlobId
from shared.blobs.disk_room import DiskRoom, Space
from shared.blobs.errors import BlobMissing
from shared.blobs.memory import MemoryBlob
from shared.clock import SystemClock
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.channel import for_stubs
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.protocol.imap.ranges import Ranges, count, ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import add_DocumentsServicer_to_server
from tests.harness.waiting import until_true
from tests.integration.indexer.naive_engine import NaiveEngine
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

_SETTINGS = IndexSettings(gather_seconds=0, fill_share=1)


class _Ticking(SystemClock):
    """A clock by which every look at the disk is a new one."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def monotonic(self) -> float:
        self._seconds += 10
        return self._seconds


class _Indexed:
    """A mailbox store, and an index that is brought up to date beside it."""

    def __init__(self, mailstore: CountedMailstore, notes: EventStore) -> None:
        self.mailstore = mailstore
        self.engine = NaiveEngine()
        self.dues = Catalog(notes).dues(1)
        endpoint = DocumentsEndpoint(mailstore.store, mailstore.turns)
        methods = methods_of("mailstore", ((add_DocumentsServicer_to_server, endpoint),))
        channel = for_stubs(LocalChannel(methods, "indexer"))
        documents = DocumentReader(mailstore.blobs, mailstore.turns)
        clock, locks = SystemClock(), AccountLocks()
        self.free = 1 << 40
        room = DiskRoom("indexer", [Path("/")], 1 << 20, 0, _Ticking(), lambda _folder: Space(self.free, 1 << 40))
        self.indexing = Indexing(
            "indexer", self.engine, self.dues, channel, documents, clock, _SETTINGS, locks, lambda _account: None, room
        )
        self.sweep = Sweep("indexer", self.engine, self.dues, channel, clock, locks, self._swept)

    async def _swept(self, _account: str) -> None:
        """Texts of attachments are not of interest here."""

    async def mailboxes(self) -> dict[str, str]:
        """The ids of the mailboxes, by name."""
        listed: pb.MailboxList = await self.mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT))
        return {mailbox.name: mailbox.id for mailbox in listed.mailboxes}

    async def rows(self, mailbox: str) -> list[tuple[int, str]]:
        """UID and blob of each message."""
        sql = "SELECT uid, blob FROM entry WHERE mailbox = ? ORDER BY uid"
        rows = await self.mailstore.store.read(lambda reader: reader.all(sql, (mailbox,)))
        return [(uid, blob) for uid, blob in rows]

    async def hits(self, mailbox: str, text: str) -> Ranges:
        """The messages of a mailbox whose bodies contain a text."""
        answer = await self.engine.answer(ACCOUNT, mailbox, (1, 1 << 31), [IndexQuestion(SearchedPart.BODY, text)])
        return answer.hits[0]

    async def up_to_date(self) -> None:
        """Note the account, and wait until all of its messages are in the index."""
        self.indexing.changed([ACCOUNT])

        async def is_done() -> bool:
            reached = await self.engine.reached(ACCOUNT)
            ends = {mailbox: await self.rows(mailbox) for mailbox in (await self.mailboxes()).values()}
            return all(reached.get(mailbox, 0) >= rows[-1][0] for mailbox, rows in ends.items() if rows)

        await until_true(is_done)


@pytest.fixture
async def indexed(tmp_path: Path) -> AsyncIterator[_Indexed]:
    metadata = sqlalchemy.MetaData()
    catalog_tables(metadata)
    notes = EventStore(SqliteBackend(tmp_path / "indexer.sqlite"), metadata, (), SystemClock())
    await notes.open()
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        indexed = _Indexed(mailstore, notes)
        indexed.indexing.start()
        yield indexed
        await indexed.indexing.stop()
    await notes.close()


def _mail(text: str) -> bytes:
    return f"Subject: s\r\nFrom: a@example.org\r\n\r\n{text}\r\n".encode()


async def test_new_mail_comes_in_whatever_the_mailbox(indexed: _Indexed) -> None:
    for number in range(5):
        await indexed.mailstore.deliver_body(_mail(f"first {number}"), b"Received: x\r\n")
        await indexed.mailstore.deliver_body(_mail(f"first {number}"), b"", "Other")
    await indexed.up_to_date()
    mailboxes = await indexed.mailboxes()
    assert await indexed.hits(mailboxes["INBOX"], "first") == ((1, 5),)
    assert await indexed.hits(mailboxes["Other"], "first 3") == ((4, 4),)
    assert (await indexed.engine.state(ACCOUNT)).documents == 10


async def test_copies_and_moves_are_not_read_again(indexed: _Indexed) -> None:
    for number in range(3):
        await indexed.mailstore.deliver_body(_mail(f"moving {number}"))
    await indexed.up_to_date()
    indexed.mailstore.blobs.read = None  # type: ignore[assignment, method-assign]
    inbox = (await indexed.mailboxes())["INBOX"]
    await indexed.mailstore.call("Copy", _placing(inbox, ((1, 2),), "Trash"))
    await indexed.mailstore.call("Move", _placing(inbox, ((3, 3),), "Trash"))
    await indexed.up_to_date()
    assert await indexed.hits((await indexed.mailboxes())["Trash"], "moving") == ((1, 3),)


async def test_what_left_is_swept(indexed: _Indexed) -> None:
    for number in range(4):
        await indexed.mailstore.deliver_body(_mail(f"leaving {number}"))
    await indexed.up_to_date()
    inbox = (await indexed.mailboxes())["INBOX"]
    request: Any = pb.StoreRequest(account=ACCOUNT, mailbox=inbox, uids=spans((2, 3)), flags=["\\Deleted"])
    await indexed.mailstore.call("Store", request)
    await indexed.mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox))
    assert await indexed.sweep.sweep(ACCOUNT) == 2
    assert await indexed.hits(inbox, "leaving") == ((1, 1), (4, 4))
    assert (await indexed.engine.state(ACCOUNT)).documents == 2


async def test_an_unreadable_message_is_not_covered_and_the_others_are(indexed: _Indexed) -> None:
    for number in range(3):
        await indexed.mailstore.deliver_body(_mail(f"reading {number}"))
    inbox = (await indexed.mailboxes())["INBOX"]
    missing = (await indexed.rows(inbox))[1][1]
    read = indexed.mailstore.blobs.read

    async def broken(blob: BlobId) -> MemoryBlob:
        if str(blob) == missing:
            raise BlobMissing(blob)
        return await read(blob)

    indexed.mailstore.blobs.read = broken  # type: ignore[method-assign]
    await indexed.up_to_date()
    answer = await indexed.engine.answer(ACCOUNT, inbox, (1, 3), [IndexQuestion(SearchedPart.BODY, "reading")])
    assert answer.covered == answer.hits[0] == ((1, 1), (3, 3))


async def test_an_account_at_work_is_not_up_to_date_yet(indexed: _Indexed) -> None:
    add, seen = indexed.engine.add, list[tuple[bool, int]]()

    async def watched(account: str, batch: Batch) -> None:
        seen.append((indexed.indexing.is_quiet, indexed.indexing.behind))
        await add(account, batch)

    indexed.engine.add = watched  # type: ignore[method-assign]
    await indexed.mailstore.deliver_body(_mail("at work"))
    await indexed.up_to_date()
    await until_true(lambda: indexed.indexing.is_quiet)
    assert set(seen) == {(False, 1)}
    assert indexed.indexing.behind == 0


async def test_a_full_disk_delays_and_loses_nothing(indexed: _Indexed) -> None:
    indexed.free = 1000
    await indexed.mailstore.deliver_body(_mail("waiting for room"))
    indexed.indexing.changed([ACCOUNT])
    await until_true(lambda: indexed.indexing.failures > 0)
    assert not await indexed.engine.accounts()
    indexed.free = 1 << 40
    await indexed.up_to_date()
    assert await indexed.hits((await indexed.mailboxes())["INBOX"], "waiting") == ((1, 1),)


async def test_an_engine_that_is_away_delays_and_loses_nothing(indexed: _Indexed) -> None:
    indexed.engine.is_away = True
    for number in range(3):
        await indexed.mailstore.deliver_body(_mail(f"waiting {number}"))
        indexed.indexing.changed([ACCOUNT])
    await until_true(lambda: indexed.indexing.failures > 0)
    indexed.engine.is_away = False
    await indexed.up_to_date()
    assert await indexed.hits((await indexed.mailboxes())["INBOX"], "waiting") == ((1, 3),)


async def test_accounts_are_filled_in_the_background(indexed: _Indexed) -> None:
    for number in range(250):
        await indexed.mailstore.deliver_body(_mail(f"older {number}"))
    await indexed.dues.note([ACCOUNT], Task.FILL, 0)
    indexed.indexing.look()

    async def is_filled() -> bool:
        return not await indexed.dues.counts()

    await until_true(is_filled)
    assert await indexed.hits((await indexed.mailboxes())["INBOX"], "older") == ((1, 250),)


async def test_an_account_that_is_gone_leaves_the_index(indexed: _Indexed) -> None:
    await indexed.mailstore.deliver_body(_mail("going"))
    await indexed.up_to_date()
    other = "account-that-never-was"
    indexed.engine._accounts[other] = indexed.engine._accounts[ACCOUNT]
    indexed.indexing.changed([other])

    async def is_gone() -> bool:
        return other not in await indexed.engine.accounts()

    await until_true(is_gone)


@pytest.mark.parametrize("seed", range(2))
async def test_any_commands_end_in_the_same_index(indexed: _Indexed, seed: int) -> None:
    chance = random.Random(seed)
    names = ("INBOX", "Trash", "Sent")
    for step in range(60):
        mailboxes = await indexed.mailboxes()
        source, target = chance.sample(names, 2)
        rows = await indexed.rows(mailboxes[source])
        chosen = ranges(sorted(uid for uid, _ in rows if chance.random() < 0.4))
        match chance.choice(("deliver", "deliver", "copy", "move", "expunge", "sync", "sweep")):
            case "deliver":
                await indexed.mailstore.deliver_body(_mail(f"step {step} {chance.choice('abc')}"), b"", source)
            case "copy" if chosen:
                await indexed.mailstore.call("Copy", _placing(mailboxes[source], chosen, target))
            case "move" if chosen:
                await indexed.mailstore.call("Move", _placing(mailboxes[source], chosen, target))
            case "expunge" if chosen:
                store = pb.StoreRequest(account=ACCOUNT, mailbox=mailboxes[source], uids=spans(*chosen))
                store.flags.append("\\Deleted")
                await indexed.mailstore.call("Store", store)
                await indexed.mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=mailboxes[source]))
            case "sync":
                await indexed.up_to_date()
            case "sweep":
                await indexed.sweep.sweep(ACCOUNT)
    await indexed.up_to_date()
    await indexed.sweep.sweep(ACCOUNT)
    mailboxes = await indexed.mailboxes()
    for name in names:
        uids = ranges(uid for uid, _ in await indexed.rows(mailboxes[name]))
        assert await indexed.hits(mailboxes[name], "step") == uids


def _placing(mailbox: str, uids: Ranges, target: str) -> pb.CopyRequest:
    return pb.CopyRequest(account=ACCOUNT, mailbox=mailbox, uids=spans(*uids), target=target, messages=count(uids))
