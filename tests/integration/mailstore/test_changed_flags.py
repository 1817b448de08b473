"""Flags and MODSEQs after any commands are those of a model that keeps each message, on both databases."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.listing.pages import Listing
from services.mailstore.projections import changes
from services.mailstore.search.scan import Searcher
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.imap.ranges import ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

MESSAGES = 120
MODES = (pb.StoreRequest.ADD, pb.StoreRequest.REMOVE, pb.StoreRequest.REPLACE)
CHOICES = ("\\Seen", "\\Deleted", "\\Draft", "$Work", "other")
Model = dict[int, tuple[frozenset[str], int]]


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore
        assert (await mailstore.store.verify()).equal


class Mirror:
    """The mailbox as a model of single messages."""

    def __init__(self, mailstore: CountedMailstore, chance: random.Random) -> None:
        self.mailstore = mailstore
        self.chance = chance
        self.model: Model = {}
        self.mailbox = ""

    async def fill(self) -> None:
        """Append messages; all are alike."""
        await self.mailstore.append(MESSAGES)
        view = await self.view()
        self.mailbox = view.mailbox.id
        self.model = {uid: (frozenset({"\\Flagged", "$Work"}), view.version) for uid in range(1, MESSAGES + 1)}

    async def view(self) -> pb.MailboxView:
        reply: pb.MailboxView = await self.mailstore.call(
            "ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX")
        )
        return reply

    def some(self) -> list[tuple[int, int]]:
        """UID ranges: one long one, every second message, all, or a few."""
        kind, first = self.chance.randrange(5), self.chance.randint(1, MESSAGES)
        if kind == 0:
            return [(1, 1 << 30)]
        if kind == 1:
            return [(uid, uid) for uid in range(1 + first % 2, MESSAGES + 1, 2)]
        if kind == 2:
            return [(first, min(MESSAGES, first + self.chance.randrange(60)))]
        if kind == 3:
            return [(first, first)]
        return list(ranges(sorted(self.chance.sample(range(1, MESSAGES + 1), 30))))

    async def store(self) -> None:
        """STORE, and the same in the model."""
        uids, mode = self.some(), self.chance.choice(MODES)
        given = frozenset(self.chance.sample(CHOICES, self.chance.randrange(3)))
        request = pb.StoreRequest(account=ACCOUNT, mailbox=self.mailbox, uids=spans(*uids), mode=mode)
        request.flags.extend(given)
        reply = await self.mailstore.call("Store", request)
        for uid, (flags, modseq) in self.model.items():
            if any(first <= uid <= last for first, last in uids):
                after = {MODES[0]: flags | given, MODES[1]: flags - given, MODES[2]: given}[mode]
                self.model[uid] = after, reply.version if after != flags else modseq

    async def expunge(self) -> None:
        """EXPUNGE of a few messages, marked or not."""
        uids = [(first := self.chance.randint(1, MESSAGES), first + 3)]
        request = pb.ExpungeRequest(account=ACCOUNT, mailbox=self.mailbox, uids=spans(*uids), only_given=True)
        await self.mailstore.call("Expunge", request)
        gone = [uid for uid, (flags, _) in self.model.items() if "\\Deleted" in flags and first <= uid <= first + 3]
        for uid in gone:
            del self.model[uid]

    async def fetched(self, **asked: Any) -> Model:
        """The flags of all messages as FETCH gives them."""
        request = pb.FetchRequest(account=ACCOUNT, mailbox=self.mailbox, uids=spans((1, MESSAGES)), **asked)
        found: Model = {}
        for batch in await self.mailstore.fetched(request):
            for uid, number, modseq in zip(batch.uids, batch.flags, batch.modseqs, strict=True):
                found[uid] = frozenset(batch.flag_sets[number].flags), modseq
        return found

    async def compare(self) -> None:
        """Compare FETCH, SEARCH, and the counters of the mailbox with the model."""
        assert await self.fetched() == self.model
        searcher = Searcher(self.mailstore.store, self.mailstore.blobs, self.mailstore.turns, 100, Listing(None))
        for flag in ("\\Seen", "$Work"):
            key = pb.SearchKey(flag=pb.FlagTest(flag=flag, is_set=False))
            pages = [page async for page in searcher.search(self.mailbox, key, 0)]
            without = {uid: modseq for uid, (flags, modseq) in self.model.items() if flag not in flags}
            assert [uid for uids, _ in pages for uid in uids] == sorted(without)
            assert max((modseq for _, modseq in pages), default=0) == max(without.values(), default=0)
        view = await self.view()
        unseen = [uid for uid, (flags, _) in self.model.items() if "\\Seen" not in flags]
        assert (view.mailbox.messages, view.mailbox.unseen) == (len(self.model), len(unseen))
        assert view.first_unseen_uid == min(unseen, default=0)


@pytest.mark.parametrize("seed", range(3))
async def test_flags_are_those_of_single_messages(mailstore: CountedMailstore, seed: int) -> None:
    mirror = Mirror(mailstore, random.Random(seed))
    await mirror.fill()
    for number in range(60):
        await (mirror.expunge() if number % 15 == 14 else mirror.store())
        await mirror.compare()


async def test_a_range_of_equal_messages_is_a_row_however_often_it_changes(mailstore: CountedMailstore) -> None:
    mirror = Mirror(mailstore, random.Random(1))
    await mirror.fill()
    for uids in ((1, MESSAGES), (20, 40), (30, 60), (1, 7), (1, MESSAGES)):
        for flag in ("\\Seen", "$Other"):
            store = pb.StoreRequest(account=ACCOUNT, mailbox=mirror.mailbox, uids=spans(uids), flags=[flag])
            await mailstore.call("Store", store)
    spread = await mailstore.store.read(lambda reader: changes.overlapping(reader, mirror.mailbox, 1, MESSAGES))
    assert [(span.first, span.last) for span in spread] == [(1, MESSAGES)]
