r"""The rows that hold each reader's own \Seen: against a model, on both databases, and how their work grows."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from services.mailstore.handlers.annotations import AnnotationCommands
from services.mailstore.handlers.own_seen import OwnSeen, set_seen
from services.mailstore.settings import MailstoreSettings
from shared.clock import SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.imap.entry_name import OWN_SEEN, SEEN_ENTRY
from shared.protocol.imap.ranges import Ranges, common, count, ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, Work, counted_mailstore, spans

NAMES = ("INBOX", "Sent")
READERS = ("a-bob", "a-eve")


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Path | PostgresBackend = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as opened:
        yield opened
        assert (await opened.store.verify()).equal


async def switch(mailstore: CountedMailstore, name: str, value: bytes | None) -> None:
    commands = AnnotationCommands(mailstore.store, MailstoreSettings(), SystemClock())
    await commands.change(ACCOUNT, name, [(SEEN_ENTRY, value)], Provenance(Actor("operator")))


async def mailbox(mailstore: CountedMailstore, name: str) -> pb.Mailbox:
    listed = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, name=name))
    only: pb.Mailbox = listed.mailboxes[0]
    return only


async def mark(mailstore: CountedMailstore, box: str, reader: str, uids: Ranges, is_seen: bool) -> None:
    by = Provenance(Actor("user", credential=reader))
    await mailstore.store.write(lambda tx: set_seen(tx, ACCOUNT, box, reader, uids, is_seen, None, by))


class Model:
    """What each reader has seen, by mailbox name; the owner's copies and moves keep it."""

    def __init__(self) -> None:
        self.there: dict[str, set[int]] = {name: set() for name in NAMES}
        self.following = dict.fromkeys(NAMES, 1)
        self.seen: dict[tuple[str, str], set[int]] = {(name, reader): set() for name in NAMES for reader in READERS}

    def arrived(self, name: str, messages: int) -> None:
        first = self.following[name]
        self.there[name] |= set(range(first, first + messages))
        self.following[name] += messages

    def placed(self, name: str, goal: str, uids: list[int], *, moves: bool) -> None:
        first = self.following[goal]
        before = {reader: set(self.seen[name, reader]) for reader in READERS}
        self.arrived(goal, len(uids))
        for reader in READERS:
            self.seen[goal, reader] |= {first + at for at, uid in enumerate(uids) if uid in before[reader]}
        if moves:
            self.left(name, uids)

    def left(self, name: str, uids: list[int]) -> None:
        self.there[name] -= set(uids)
        for reader in READERS:
            self.seen[name, reader] -= set(uids)


@pytest.mark.parametrize("seed", range(3))
async def test_random_changes_give_what_a_model_says(mailstore: CountedMailstore, seed: int) -> None:
    chance, model = random.Random(seed), Model()
    ids = {name: (await mailbox(mailstore, name)).id for name in NAMES}
    for name in NAMES:
        await mailstore.append(40, name)
        model.arrived(name, 40)
        await switch(mailstore, name, OWN_SEEN)
    for _ in range(80):
        name = chance.choice(NAMES)
        there = sorted(model.there[name])
        uids = sorted(chance.sample(there, min(len(there), chance.choice((1, 3, 15)))))
        match chance.choice(("seen", "seen", "unseen", "append", "copy", "move", "expunge")):
            case "seen" | "unseen" as kind:
                reader = chance.choice(READERS)
                await mark(mailstore, ids[name], reader, ranges(uids), kind == "seen")
                own = model.seen[name, reader]
                model.seen[name, reader] = own | set(uids) if kind == "seen" else own - set(uids)
            case "append":
                await mailstore.append(2, name)
                model.arrived(name, 2)
            case "expunge" if uids:
                await _expunge(mailstore, ids[name], uids)
                model.left(name, uids)
            case "copy" | "move" as kind if uids:
                goal = "Sent" if name == "INBOX" else "INBOX"
                request = pb.CopyRequest(
                    account=ACCOUNT, mailbox=ids[name], uids=spans(*ranges(uids)), target=goal, messages=len(uids)
                )
                await mailstore.call(kind.capitalize(), request)
                model.placed(name, goal, uids, moves=kind == "move")
    await _compare(mailstore, ids, model)


async def _expunge(mailstore: CountedMailstore, box: str, uids: list[int]) -> None:
    chosen = spans(*ranges(uids))
    deleted = pb.StoreRequest(account=ACCOUNT, mailbox=box, uids=chosen, mode=pb.StoreRequest.ADD, flags=["\\Deleted"])
    await mailstore.call("Store", deleted)
    await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=box, uids=chosen, only_given=True))


async def _compare(mailstore: CountedMailstore, ids: dict[str, str], model: Model) -> None:
    own = OwnSeen(mailstore.store, mailstore.turns)
    for (name, reader), seen in model.seen.items():
        kept = common(await own.seen(ids[name], reader), ranges(sorted(model.there[name])))
        assert kept == ranges(sorted(seen)), (name, reader)
        assert (await own.counted(ids[name], reader))[0] == len(seen), (name, reader)


async def test_an_expunge_does_as_much_for_hundreds_of_readers_as_for_few(tmp_path: Path) -> None:
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        box = (await mailbox(mailstore, "INBOX")).id
        await mailstore.append(30)
        await switch(mailstore, "INBOX", OWN_SEEN)
        works: list[Work] = []
        for readers, uid in ((range(3), 10), (range(3, 300), 20)):
            for number in readers:
                await mark(mailstore, box, f"a-{number}", ((1, 30),), True)
            works.append(await mailstore.counted(lambda uid=uid: _expunge(mailstore, box, [uid])))
        assert works[1].statements == works[0].statements
        assert works[1].rows_read + works[1].rows_written <= works[0].rows_read + works[0].rows_written + 5
        own = OwnSeen(mailstore.store, mailstore.turns)
        assert (await own.counted(box, "a-7"))[0] == (await own.counted(box, "a-0"))[0] == 28


async def test_one_change_costs_the_same_among_many_ranges(tmp_path: Path) -> None:
    """A reader with thousands of ranges sets the flag on the first and the last message."""
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        box = (await mailbox(mailstore, "INBOX")).id
        await mailstore.append(5000)
        await switch(mailstore, "INBOX", OWN_SEEN)
        ends = ((1, 1), (5000, 5000))
        await mark(mailstore, box, "a-bob", ((3, 3),), True)
        few = await mailstore.counted(lambda: mark(mailstore, box, "a-bob", ends, True))
        await mark(mailstore, box, "a-bob", tuple((uid, uid) for uid in range(5, 4995, 2)), True)
        many = await mailstore.counted(lambda: mark(mailstore, box, "a-bob", ends, False))
        assert many.rows_read <= few.rows_read + 10
        own = OwnSeen(mailstore.store, mailstore.turns)
        assert (await own.counted(box, "a-bob"))[0] == 2496
        assert count(await own.seen(box, "a-bob")) == 2496


async def test_the_owner_and_readers_of_other_mailboxes_ask_nothing_more(mailstore: CountedMailstore) -> None:
    """STORE, FETCH and APPEND of the owner are the same statements before and after the switch."""
    await mailstore.append(10)
    box = (await mailbox(mailstore, "INBOX")).id
    works: list[list[int]] = []
    for at, value in enumerate((None, OWN_SEEN)):
        await switch(mailstore, "INBOX", value)
        uids = spans((1 + at, 1 + at))
        store = pb.StoreRequest(account=ACCOUNT, mailbox=box, uids=uids, mode=pb.StoreRequest.ADD, flags=["\\Seen"])
        fetch = pb.FetchRequest(account=ACCOUNT, mailbox=box, uids=spans((1, 10)), size=True)
        acts = (partial(mailstore.call, "Store", store), partial(mailstore.fetched, fetch), mailstore.append)
        works.append([(await mailstore.counted(act)).statements for act in acts])
    assert works[0] == works[1]
