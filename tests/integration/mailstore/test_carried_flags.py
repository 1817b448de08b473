"""COPY, MOVE and the undelete window carry the flags that messages have then, not those of their arrival."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.eventstore.postgres import PostgresBackend
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans
from tests.integration.mailstore.test_all_mail import switch_on

BOXES = ("INBOX", "Archive", "Drafts")
CHOICES = ("\\Seen", "\\Flagged", "\\Draft", "$Work", "other")
Flags = dict[int, frozenset[str]]


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore
        assert (await mailstore.store.verify()).equal


def numbers(uids: pb.UidSet) -> Iterator[int]:
    """The UIDs of a set."""
    for at in range(0, len(uids.bounds), 2):
        yield from range(uids.bounds[at], uids.bounds[at + 1] + 1)


class Boxes:
    """Mailboxes as models of single messages."""

    def __init__(self, mailstore: CountedMailstore, chance: random.Random) -> None:
        self.mailstore = mailstore
        self.chance = chance
        self.model: dict[str, Flags] = {}
        self.ids: dict[str, str] = {}

    async def fill(self) -> None:
        """Append messages to INBOX."""
        await self.mailstore.append(60)
        self.ids = {name: (await self.view(name)).mailbox.id for name in BOXES}
        self.model = {name: {} for name in BOXES}
        self.model["INBOX"] = dict.fromkeys(range(1, 61), frozenset({"\\Flagged", "$Work"}))

    async def view(self, name: str) -> pb.MailboxView:
        reply: pb.MailboxView = await self.mailstore.call(
            "ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name)
        )
        return reply

    def some(self, name: str) -> list[int]:
        """Messages of a mailbox: neighbours, or scattered ones."""
        uids = sorted(self.model[name])
        if self.chance.random() < 0.5:
            at = self.chance.randrange(len(uids))
            return uids[at : at + self.chance.randint(1, 25)]
        return sorted(self.chance.sample(uids, self.chance.randint(1, min(12, len(uids)))))

    async def store(
        self, name: str, uids: Sequence[int], flags: frozenset[str], mode: Any = pb.StoreRequest.ADD
    ) -> None:
        """STORE, and the same in the model."""
        chosen = spans(*((uid, uid) for uid in uids))
        request = pb.StoreRequest(account=ACCOUNT, mailbox=self.ids[name], uids=chosen, mode=mode, flags=sorted(flags))
        await self.mailstore.call("Store", request)
        for uid in uids:
            before = self.model[name][uid]
            self.model[name][uid] = before | flags if mode == pb.StoreRequest.ADD else before - flags

    async def place(self, method: str, name: str, uids: Sequence[int], target: str) -> None:
        """COPY or MOVE."""
        request = pb.CopyRequest(
            account=ACCOUNT,
            mailbox=self.ids[name],
            uids=spans(*((uid, uid) for uid in uids)),
            target=target,
            messages=len(uids),
        )
        reply: pb.CopyReply = await self.mailstore.call(method, request)
        pairs = list(zip(numbers(reply.source), numbers(reply.target), strict=True))
        assert [uid for uid, _ in pairs] == list(uids)
        for uid, new in pairs:
            self.model[target][new] = self.model[name][uid] if method == "Copy" else self.model[name].pop(uid)

    async def expunge_and_restore(self, name: str, uids: Sequence[int]) -> None:
        """EXPUNGE, and get the messages back with new UIDs."""
        first = (await self.view(name)).mailbox.uid_next
        await self.store(name, uids, frozenset({"\\Deleted"}))
        chosen, command = spans(*((uid, uid) for uid in uids)), f"gone-{name}-{first}"
        request = pb.ExpungeRequest(account=ACCOUNT, mailbox=self.ids[name], uids=chosen, only_given=True)
        await self.mailstore.call("Expunge", request, command)
        await self.mailstore.restore(command=command)
        for number, uid in enumerate(uids):
            self.model[name][first + number] = self.model[name].pop(uid) - {"\\Deleted"}

    async def compare(self) -> None:
        """Compare FETCH and the counters with the model."""
        for name in BOXES:
            request = pb.FetchRequest(account=ACCOUNT, mailbox=self.ids[name], uids=spans((1, 1 << 30)))
            present: Flags = {}
            for batch in await self.mailstore.fetched(request):
                present |= {
                    uid: frozenset(batch.flag_sets[at].flags) for uid, at in zip(batch.uids, batch.flags, strict=True)
                }
            assert present == self.model[name], name
            unseen = sum("\\Seen" not in flags for flags in self.model[name].values())
            assert (await self.view(name)).mailbox.unseen == unseen


@pytest.mark.parametrize("with_all_mail", [False, True])
async def test_flags_go_with_messages(mailstore: CountedMailstore, with_all_mail: bool) -> None:
    boxes = Boxes(mailstore, random.Random(5))
    await boxes.fill()
    if with_all_mail:
        await switch_on(mailstore)
    for _ in range(30):
        name = boxes.chance.choice([name for name in BOXES if boxes.model[name]])
        target = boxes.chance.choice([other for other in BOXES if other != name])
        uids = boxes.some(name)
        match boxes.chance.randrange(6):
            case 0:
                await boxes.place("Copy", name, uids[:10], target)
            case 1:
                await boxes.place("Move", name, uids, target)
            case 2:
                await boxes.expunge_and_restore(name, uids)
            case kind:
                mode = pb.StoreRequest.REMOVE if kind == 3 else pb.StoreRequest.ADD
                await boxes.store(name, uids, frozenset(boxes.chance.sample(CHOICES, 2)), mode)
        await boxes.compare()
