"""What SORT and THREAD keep in memory: after every change of a mailbox their answers are those without a memory, and a
new message is all that they read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from services.mailstore.endpoints.ordering import OrderingEndpoint
from services.mailstore.settings import MailstoreSettings
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobMissing
from shared.blobs.memory import MemoryBlob
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion, SortRequest, ThreadRequest
from tests.integration.mailstore.counted import ACCOUNT, counted_mailstore, spans
from tests.integration.mailstore.listed import Listed

_FIELDS = tuple(SortCriterion.Field.values())
_ALGORITHMS = tuple(ThreadRequest.Algorithm.values())
_ALL = pb.SearchKey(all=True)
_STEPS_OF_A_MESSAGE = 40


class _Orders:
    """A mailbox, and what both kinds of orderings say of it."""

    def __init__(self, listed: Listed) -> None:
        self.listed = listed
        self._kept, self._forgetful = self.endpoint(16), self.endpoint(0)
        listed.mailstore.store.on_commit(self._kept.kept.committed)

    @property
    def octets(self) -> int:
        """What is kept."""
        return self._kept.kept.octets

    def endpoint(self, megaoctets: int) -> OrderingEndpoint:
        """Orderings that keep so much."""
        store = self.listed.mailstore
        limits = MailstoreSettings(kept_ordering_megaoctets=megaoctets)
        return OrderingEndpoint(store.store, store.blobs, store.turns, limits, store.listing)

    async def sorted(
        self, key: pb.SearchKey = _ALL, fields: Sequence[SortCriterion] = (), mailbox: str = "INBOX"
    ) -> list[int]:
        """The order by some fields, from memory; it is the same without."""
        criteria = fields or [SortCriterion(field=SortCriterion.DATE)]
        request = SortRequest(account=ACCOUNT, mailbox=await self.listed.mailbox(mailbox), key=key, criteria=criteria)
        kept, other = [
            [batch async for batch in endpoint.Sort(request, None)] for endpoint in (self._kept, self._forgetful)
        ]
        assert kept == other
        return [uid for batch in kept for uid in batch.uids]

    async def threaded(
        self,
        key: pb.SearchKey = _ALL,
        algorithm: ThreadRequest.Algorithm.ValueType = ThreadRequest.REFERENCES,
        mailbox: str = "INBOX",
    ) -> bytes:
        """The threads from memory; they are the same without."""
        request = ThreadRequest(
            account=ACCOUNT, mailbox=await self.listed.mailbox(mailbox), key=key, algorithm=algorithm
        )
        kept, other = [
            [batch async for batch in endpoint.Thread(request, None)] for endpoint in (self._kept, self._forgetful)
        ]
        assert kept == other
        return b"".join(batch.threads for batch in kept)

    async def sorted_from_memory(self, key: pb.SearchKey) -> list[int]:
        """The order by date, asked where something is kept alone."""
        criteria = [SortCriterion(field=SortCriterion.DATE)]
        request = SortRequest(account=ACCOUNT, mailbox=await self.listed.mailbox(), key=key, criteria=criteria)
        return [uid async for batch in self._kept.Sort(request, None) for uid in batch.uids]

    async def read_of_kept(self) -> int:
        """How many messages are read for an order and for threads when there is a memory."""
        mailbox, before = await self.listed.mailbox(), self.listed.reads
        criteria = [SortCriterion(field=SortCriterion.SUBJECT)]
        sort = SortRequest(account=ACCOUNT, mailbox=mailbox, key=_ALL, criteria=criteria)
        thread = ThreadRequest(account=ACCOUNT, mailbox=mailbox, key=_ALL, algorithm=ThreadRequest.REFS)
        assert [batch async for batch in self._kept.Sort(sort, None)]
        assert [batch async for batch in self._kept.Thread(thread, None)]
        return self.listed.reads - before


@pytest.fixture
async def orders(tmp_path: Path) -> AsyncIterator[_Orders]:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        yield _Orders(Listed(mailstore))


@pytest.mark.parametrize("seed", range(4))
async def test_any_changes_and_any_question(orders: _Orders, seed: int) -> None:
    chance, uids = random.Random(seed), list[int]()
    for _ in range(60):
        await _change(orders, chance, uids)
        key = _key(chance, max(uids, default=1))
        fields = [
            SortCriterion(field=chance.choice(_FIELDS), reverse=chance.random() < 0.5)
            for _ in range(chance.randint(1, 2))
        ]
        found = await orders.sorted(key, fields)
        assert len(found) == len(set(found))
        assert key != _ALL or sorted(found) == sorted(uids)
        await orders.threaded(key, chance.choice(_ALGORITHMS))


async def _change(orders: _Orders, chance: random.Random, uids: list[int]) -> None:
    store = orders.listed.mailstore
    act = chance.random()
    if act < 0.5 or not uids:
        uids += [await store.deliver_body(_message(chance)) for _ in range(chance.randint(1, 80 if act < 0.05 else 5))]
        return
    mailbox, chosen = await orders.listed.mailbox(), sorted(chance.sample(uids, chance.randint(1, min(3, len(uids)))))
    if act < 0.7:
        request = pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=spans(*((uid, uid) for uid in chosen)))
        request.mode, request.flags[:] = pb.StoreRequest.ADD, ["\\Flagged", "\\Deleted"]
        await store.call("Store", request)
        if act < 0.6:
            expunge = pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox, only_given=True)
            expunge.uids.CopyFrom(spans(*((uid, uid) for uid in chosen)))
            await store.call("Expunge", expunge)
            uids[:] = [uid for uid in uids if uid not in chosen]


def _message(chance: random.Random) -> bytes:
    ids = [f"<{number}@x>" for number in range(30)]
    return (
        f"Date: {chance.randint(1, 28)} Jan 2026 10:00:00 +0000\r\n"
        f"Subject: {chance.choice(['', 'Re: ', 'Fwd: [list] '])}{chance.choice('abcäZ')}\r\n"
        f"From: {chance.choice(['Ann ', '', 'Zoë '])}<{chance.choice('abc')}@example.org>\r\n"
        f"To: {chance.choice('abc')}@example.org\r\nMessage-ID: {chance.choice(ids)}\r\n"
        f"References: {' '.join(chance.sample(ids, chance.randint(0, 4)))}\r\n\r\n{'x' * chance.randint(0, 9)}"
    ).encode()


def _key(chance: random.Random, last: int) -> pb.SearchKey:
    """All messages, all up to a UID as sessions ask for, or some."""
    act = chance.random()
    if act < 0.4:
        return _ALL
    key = pb.SearchKey()
    key.all_of.keys.add().uids.CopyFrom(spans((1, chance.choice([last, last, 1 + last // 2]))))
    if act < 0.7:
        key.all_of.keys.add().CopyFrom(_ALL)
    elif act < 0.85:
        key.all_of.keys.add(negated=act < 0.78).header.MergeFrom(pb.HeaderTest(field="subject", text="a"))
    else:
        key.all_of.keys.add().flag.MergeFrom(pb.FlagTest(flag="\\Flagged", is_set=act < 0.9))
    return key


async def test_only_new_messages_are_read(orders: _Orders) -> None:
    for number in range(50):
        await orders.listed.mailstore.deliver_body(b"Subject: %d\r\n\r\n" % number)
    assert await orders.read_of_kept() == 100
    assert await orders.read_of_kept() == 0
    await orders.listed.mailstore.deliver_body(b"Subject: another\r\n\r\n")
    assert await orders.read_of_kept() == 2
    assert await orders.read_of_kept() == 0


async def test_what_could_not_be_read_is_not_kept(orders: _Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty summary stands in for the message until its blob can be read again."""
    store = orders.listed.mailstore
    for subject in (b"b", b"a"):
        await store.deliver_body(b"Subject: %b\r\n\r\n" % subject)
    by_subject = [SortCriterion(field=SortCriterion.SUBJECT)]
    with monkeypatch.context() as patched:
        patched.setattr(store.blobs, "read", _missing)
        assert await orders.sorted(_ALL, by_subject) == [1, 2]
        assert await orders.threaded() == b"(1)(2)"
    assert orders.octets == 0
    assert await orders.sorted(_ALL, by_subject) == [2, 1]


async def _missing(blob: BlobId) -> MemoryBlob:
    raise BlobMissing(blob)


async def test_a_deleted_mailbox_is_forgotten(orders: _Orders) -> None:
    await orders.listed.mailstore.deliver_body(b"Subject: a\r\n\r\n", mailbox="Lists")
    assert await orders.sorted(mailbox="Lists") == [1]
    assert await orders.threaded(mailbox="Lists") == b"(1)"
    assert orders.octets > 0
    await orders.listed.mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="Lists"))
    assert orders.octets == 0


@pytest.mark.parametrize("messages", [2000, 8000])
async def test_the_first_order_reads_each_row_once(tmp_path: Path, messages: int) -> None:
    """Instructions of SQLite for each message do not grow with the mailbox."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        for _ in range(messages // 1000):
            await mailstore.append(1000)
        orders = _Orders(Listed(mailstore))
        work = await mailstore.counted(orders.sorted)
        assert work.steps < _STEPS_OF_A_MESSAGE * messages


async def test_the_last_message_is_gone(orders: _Orders) -> None:
    """A session asks for the messages up to the largest UID that is left, and these are still all of the mailbox."""
    store = orders.listed.mailstore
    for number in range(40):
        await store.deliver_body(b"Subject: %d\r\n\r\n" % number)
    expunge = pb.ExpungeRequest(account=ACCOUNT, mailbox=await orders.listed.mailbox(), only_given=True)
    store_flags = pb.StoreRequest(account=ACCOUNT, mailbox=expunge.mailbox, flags=["\\Deleted"], uids=spans((40, 40)))
    await store.call("Store", store_flags)
    expunge.uids.CopyFrom(spans((40, 40)))
    await store.call("Expunge", expunge)
    key = pb.SearchKey()
    key.all_of.keys.add().uids.CopyFrom(spans((1, 39)))
    key.all_of.keys.add().CopyFrom(_ALL)
    assert await orders.sorted(key) == [*range(1, 40)]
    assert len(await orders.threaded(key)) > 0
    rows = store.store.figures["rows_read"]
    assert await orders.sorted_from_memory(key) == [*range(1, 40)]
    assert store.store.figures["rows_read"] - rows < 10
