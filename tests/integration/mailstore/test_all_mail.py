"""All Mail shows, after any commands, exactly the messages of the other mailboxes, on both databases."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain import decide
from services.mailstore.handlers import all_mail, paged
from services.mailstore.handlers.all_mail_upkeep import filled
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.projections.current import CURRENT
from services.mailstore.settings import MailstoreSettings
from shared.clock import SystemClock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import LimitReached, NotNow, Unavailable
from shared.ids import Ids
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

BY = Provenance(Actor("service", "mailstore", "all mail"))
SHOWN = ("INBOX", "Archive", "Drafts", "Sent")
HIDDEN = ("Spam", "Trash")
_STATE = (
    f"SELECT entry.entry, entry.system, entry.keywords, mailbox.name FROM {CURRENT}"
    " JOIN mailbox ON mailbox.id = entry.mailbox"
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield mailstore
        assert (await mailstore.store.verify()).equal


async def switch_on(mailstore: CountedMailstore) -> None:
    clock = SystemClock()
    await mailstore.store.write(lambda tx: all_mail.make(tx, ACCOUNT, "All Mail", Ids(clock), clock, BY))
    after: str | None = ""
    while after is not None:
        after = await mailstore.store.write(lambda tx, after=after: all_mail.fill(tx, ACCOUNT, after, BY))


async def view(mailstore: CountedMailstore, name: str) -> tuple[pb.Mailbox, list[int]]:
    state: pb.MailboxView = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name))
    bounds = [bound for page in state.uids for bound in page.bounds]
    uids = [uid for at in range(0, len(bounds), 2) for uid in range(bounds[at], bounds[at + 1] + 1)]
    return state.mailbox, uids


async def rows(mailstore: CountedMailstore) -> list[tuple[str, int, str, str]]:
    def ask(reader: Reader) -> list[tuple[str, int, str, str]]:
        return [(row[0], row[1], row[2], row[3]) for row in reader.all(_STATE)]

    return await mailstore.store.read(ask)


async def check(mailstore: CountedMailstore) -> None:
    """All Mail has the messages of the shown mailboxes with their flags, and its counters fit."""
    present = await rows(mailstore)
    shown = sorted(row[:3] for row in present if row[3] == "All Mail")
    assert shown == sorted(row[:3] for row in present if row[3] in SHOWN)
    mailbox, uids = await view(mailstore, "All Mail")
    assert (mailbox.messages, mailbox.unseen) == (len(uids), sum(not row[1] & 1 for row in shown))
    assert mailbox.deleted == sum(bool(row[1] & 8) for row in shown)


async def act(mailstore: CountedMailstore, chance: random.Random) -> None:
    """One random command on random messages, in any mailbox or through All Mail."""
    mailbox, uids = await view(mailstore, chance.choice((*SHOWN, *HIDDEN, "All Mail", "All Mail")))
    some = sorted(chance.sample(uids, min(len(uids), chance.randint(1, 4))))
    asked = spans(*[(uid, uid) for uid in some]) if some else pb.UidSet()
    target = chance.choice((*SHOWN, *HIDDEN, "All Mail"))
    command = chance.choice(("store", "store", "copy", "move", "move", "expunge", "append"))
    if command == "append" or not some:
        await mailstore.append(1, name=chance.choice((*SHOWN, *HIDDEN)))
    elif command == "store":
        flags = chance.sample(["\\Seen", "\\Flagged", "\\Deleted", "$Work"], 2)
        mode = chance.choice((pb.StoreRequest.ADD, pb.StoreRequest.REMOVE, pb.StoreRequest.REPLACE))
        await mailstore.call(
            "Store", pb.StoreRequest(account=ACCOUNT, mailbox=mailbox.id, uids=asked, mode=mode, flags=flags)
        )
    elif command == "expunge":
        await mailstore.call(
            "Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox.id, uids=asked, only_given=True)
        )
    else:
        request = pb.CopyRequest(account=ACCOUNT, mailbox=mailbox.id, uids=asked, target=target, messages=len(some))
        await mailstore.call(command.capitalize(), request)


@pytest.mark.parametrize("seed", range(4))
async def test_it_follows_any_commands(mailstore: CountedMailstore, seed: int) -> None:
    chance = random.Random(seed)
    for name in (*SHOWN, *HIDDEN):
        await mailstore.append(3, name=name)
    await switch_on(mailstore)
    await check(mailstore)
    for _ in range(60):
        await act(mailstore, chance)
    await check(mailstore)


async def test_uids_stay_while_messages_move(mailstore: CountedMailstore) -> None:
    await mailstore.append(20)
    await switch_on(mailstore)
    inbox = (await view(mailstore, "INBOX"))[0]
    before = (await view(mailstore, "All Mail"))[1]
    moved = pb.CopyRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((3, 12)), target="Archive", messages=10)
    await mailstore.call("Move", moved)
    assert (await view(mailstore, "All Mail"))[1] == before
    archive = (await view(mailstore, "Archive"))[0]
    same = await mailstore.store.read(lambda reader: all_mail.shown_as(reader, archive.id, ((1, 10),)))
    assert same == ((before[2], before[11]),)


async def test_an_account_without_it_pays_nothing(mailstore: CountedMailstore) -> None:
    await mailstore.append(5)
    assert (await mailstore.store.read(lambda reader: reader.all("SELECT 1 FROM all_mail_link"))) == []


async def test_conditional_stores_look_at_its_own_rows(mailstore: CountedMailstore) -> None:
    await mailstore.append(4)
    await switch_on(mailstore)
    shown, uids = await view(mailstore, "All Mail")
    version = shown.highest_modseq
    inbox = (await view(mailstore, "INBOX"))[0]
    await mailstore.call(
        "Store", pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((2, 2)), flags=["\\Seen"])
    )
    reply: pb.StoreReply = await mailstore.call(
        "Store",
        pb.StoreRequest(
            account=ACCOUNT,
            mailbox=shown.id,
            uids=spans((uids[0], uids[-1])),
            flags=["\\Flagged"],
            unchanged_since=version,
        ),
    )
    assert list(reply.refused.bounds) == [uids[1], uids[1]]
    assert [uid for run in reply.runs for uid in range(run.first, run.last + 1)] == [uids[0], uids[2], uids[3]]


async def test_gone_messages_are_noticed(mailstore: CountedMailstore) -> None:
    await mailstore.append(3)
    await switch_on(mailstore)
    shown, uids = await view(mailstore, "All Mail")
    request = pb.CopyRequest(account=ACCOUNT, mailbox=shown.id, uids=spans((uids[0], 99)), target="Sent", messages=4)
    for command in ("Copy", "Move"):
        with pytest.raises(NotNow, match="some of the messages are gone"):
            await mailstore.call(command, request)


async def test_messages_that_move_behind_a_pass_are_shown_by_another_one(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "EVENT_MESSAGES", 2)
    await mailstore.append(1, name="Archive")
    await mailstore.append(6)
    clock = SystemClock()
    await mailstore.store.write(lambda tx: all_mail.make(tx, ACCOUNT, "All Mail", Ids(clock), clock, BY))
    inbox, uids = await view(mailstore, "INBOX")
    units = 0
    async for _ in filled(mailstore.store, ACCOUNT):
        units += 1
        if units == 2:  # Archive is done, and INBOX in part
            request = pb.CopyRequest(
                account=ACCOUNT, mailbox=inbox.id, uids=spans(uids[-2:]), target="Archive", messages=2
            )
            await mailstore.call("Move", request)
    await check(mailstore)


async def test_a_look_at_a_complete_one_reads_no_messages(tmp_path: Path) -> None:
    async with counted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        work = []
        for _ in range(2):
            await mailstore.append(20)
            await switch_on(mailstore)
            work.append(await mailstore.counted(lambda: _look(mailstore)))
        assert work[0] == work[1]


async def _look(mailstore: CountedMailstore) -> None:
    assert [unit async for unit in filled(mailstore.store, ACCOUNT)] == []


async def test_it_fills_in_pages(mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "EVENT_MESSAGES", 7)
    for name in ("INBOX", "Archive"):
        await mailstore.append(20, name=name)
    await switch_on(mailstore)
    await check(mailstore)
    await mailstore.store.write(lambda tx: all_mail.end(tx, ACCOUNT, BY))
    assert [row for row in await rows(mailstore) if row[3] == "All Mail"] == []


async def shown(mailstore: CountedMailstore, target: str) -> pb.CopyRequest:
    """A request for all messages of All Mail."""
    mailbox, uids = await view(mailstore, "All Mail")
    asked = spans((uids[0], uids[-1]))
    return pb.CopyRequest(account=ACCOUNT, mailbox=mailbox.id, uids=asked, target=target, messages=len(uids))


@pytest.mark.parametrize("most", [5000, 2])
async def test_a_repeated_move_out_of_it_answers_as_the_first(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The messages are in Trash, which All Mail does not show; the first answer was lost."""
    monkeypatch.setattr(decide, "EVENT_MESSAGES", most)
    for name in ("INBOX", "Sent", "INBOX"):
        await mailstore.append(3, name=name)
    await switch_on(mailstore)
    request = await shown(mailstore, "Trash")
    for _ in range(2):
        reply = await mailstore.call("Move", request, "c-1")
        assert not reply.reason
        assert len((await view(mailstore, "Trash"))[1]) == 9
    with pytest.raises(NotNow):
        await mailstore.call("Move", request, "c-2")


async def test_a_move_out_of_it_that_was_cut_off_is_finished_by_its_repeat(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "EVENT_MESSAGES", 2)
    monkeypatch.setattr(paged, "EVENT_MESSAGES", 2)
    for name in ("INBOX", "Sent"):
        await mailstore.append(5, name=name)
    await switch_on(mailstore)
    request, units = await shown(mailstore, "Trash"), 0
    moved = MessageCommands.move

    def cut_off(*given: Any) -> Any:
        nonlocal units
        units += 1
        if units == 2:
            raise Unavailable("the process ends")
        return moved(*given)

    monkeypatch.setattr(MessageCommands, "move", cut_off)
    with pytest.raises(Unavailable):
        await mailstore.call("Move", request, "c-1")
    assert len((await view(mailstore, "Trash"))[1]) == 2
    await mailstore.call("Move", request, "c-1")
    assert len((await view(mailstore, "Trash"))[1]) == 10


async def test_the_limit_of_a_copy_counts_the_messages_of_all_mailboxes(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INBOX", "Sent"):
        await mailstore.append(3, name=name)
    await switch_on(mailstore)
    monkeypatch.setattr(mailstore._endpoint._messages, "_limits", MailstoreSettings(copy_messages=1000))
    request = await shown(mailstore, "Archive")
    request.messages = 1001
    with pytest.raises(LimitReached, match="at most 1000 messages"):
        await mailstore.call("Copy", request)
