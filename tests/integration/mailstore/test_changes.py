"""The ranges of changes name, after any commands, exactly the messages with a higher MODSEQ, on both databases."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.flags import DELETED, SEEN
from services.mailstore.handlers import queries
from services.mailstore.projections.current import CURRENT
from shared.eventstore.connection import Reader
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import NotFound, NotNow
from shared.protocol.imap.ranges import Ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans
from tests.integration.mailstore.test_all_mail import switch_on

NAMES = ("INBOX", "Archive", "Sent", "All Mail")
FLAGS: tuple[list[str], ...] = (
    ["\\Seen"],
    ["\\Deleted", "\\Flagged"],
    ["\\Deleted", "\\Seen"],
    ["$Word"],
    ["\\Draft", "x", "y"],
    [],
)
MODES = (pb.StoreRequest.ADD, pb.StoreRequest.REMOVE, pb.StoreRequest.REPLACE)


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore
        assert (await mailstore.store.verify()).equal


async def step(mailstore: CountedMailstore, chance: random.Random, mailboxes: dict[str, str]) -> None:
    """One command of a client, or a delivery."""
    name, target = chance.choice(NAMES[:3]), chance.choice(NAMES[:3])
    mailbox, first = mailboxes[chance.choice((name, name, "All Mail"))], chance.randint(1, 60)
    uids = spans((first, first + chance.choice((0, 0, 2, 30))), (first + 40, first + 41))
    match chance.randrange(8):
        case 0:
            await mailstore.deliver()
        case 1:
            await mailstore.append(chance.choice((1, 12)), name)
        case 2:
            request = pb.CopyRequest(account=ACCOUNT, mailbox=mailboxes[name], uids=spans((first, first)))
            request.target, request.messages = target, 1
            await mailstore.call(chance.choice(("Copy", "Move")), request)
        case 3 if chance.random() < 0.3:
            await mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=mailboxes[name]))
        case _:
            store = pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=uids, mode=chance.choice(MODES))
            store.flags.extend(chance.choice(FLAGS))
            await mailstore.call("Store", store)


def members(spans: Ranges | None) -> set[int]:
    return {uid for first, last in spans or () for uid in range(first, last + 1)}


async def compare(mailstore: CountedMailstore, mailbox: str, since: int, below: int) -> int:
    """Compare with the MODSEQ of all rows, and the counters with the flags; returns the number of changes."""

    def ask(reader: Reader) -> tuple[set[int], set[int], set[int], set[int], set[int]]:
        rows = reader.all(f"SELECT uid, modseq, system FROM {CURRENT} WHERE mailbox = ?", (mailbox,))
        newer = {uid for uid, modseq, _ in rows if modseq > since}
        counters = reader.first_row("SELECT unseen, deleted, messages FROM mailbox WHERE id = ?", (mailbox,))
        seen, deleted = (sum(bool(system & bit) for _, _, system in rows) for bit in (SEEN, DELETED))
        assert counters == (len(rows) - seen, deleted, len(rows))
        changed = queries.changed(reader, mailbox, since, 1 << 40, below)
        return (
            {uid for uid, _, _ in rows},
            newer,
            members(queries.few_changed_uids(reader, mailbox, since)),
            members(queries.changed_uids(reader, mailbox, since, 1 << 40)),
            {message.uid for message in changed or ()},
        )

    present, newer, few, every, shown = await mailstore.store.read(ask)
    assert few & present == newer and every == few
    assert shown == {uid for uid in newer if uid < below}
    return len(newer)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("all_mail", [False, True])
async def test_changes_are_those_of_the_rows(mailstore: CountedMailstore, seed: int, all_mail: bool) -> None:
    chance, compared = random.Random(seed), 0
    if all_mail:
        await switch_on(mailstore)
    listed: pb.MailboxList = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT))
    mailboxes = {mailbox.name: mailbox.id for mailbox in listed.mailboxes}
    mailboxes.setdefault("All Mail", mailboxes["INBOX"])
    for number in range(150):
        with contextlib.suppress(NotNow, NotFound):
            await step(mailstore, chance, mailboxes)
        if number % 3 == 0:
            version = (await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT))).version
            since, below = chance.randint(0, version), chance.randint(1, 120)
            compared += await compare(mailstore, mailboxes[chance.choice(NAMES)], since, below)
    assert compared > 100


async def test_more_than_a_page_is_left_to_the_long_read(mailstore: CountedMailstore) -> None:
    for _ in range(11):
        await mailstore.append(100)
    inbox = (await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="INBOX"))).mailbox
    assert await mailstore.store.read(lambda reader: queries.few_changed_uids(reader, inbox.id, 1)) is None
    every = await mailstore.store.read(lambda reader: queries.changed_uids(reader, inbox.id, 1, 1 << 40))
    assert every == ((1, 1100),)
