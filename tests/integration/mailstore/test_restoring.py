"""Removed messages are listed and restored within the undelete window, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.handlers import restoring
from services.mailstore.handlers.erasure import erase_page
from services.mailstore.handlers.expiry import Expiry
from services.mailstore.handlers.expiry_commands import ExpiryCommands
from services.mailstore.handlers.forgetting import UndeleteWindow
from services.mailstore.settings import MailstoreSettings
from shared.clock import FixedClock
from shared.events.closing import AccountClosed
from shared.events.quota import QuotaWarned
from shared.events.restoring import MessagesRestored, RemovedForgotten
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.store import EventStore
from shared.expiry import DAY
from shared.grpc.errors import Invalid, LimitReached, NotFound
from shared.ids import Ids
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans
from tests.integration.mailstore.test_expiry import OneRule

OPERATOR = Provenance(Actor("operator"))


class Place:
    """A mailbox store with its clock."""

    def __init__(self, mailstore: CountedMailstore, clock: FixedClock) -> None:
        self.mailstore = mailstore
        self.clock = clock

    @property
    def store(self) -> EventStore:
        return self.mailstore.store

    async def view(self, name: str = "INBOX") -> pb.MailboxView:
        view: pb.MailboxView = await self.mailstore.call(
            "ViewMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name)
        )
        return view

    async def uids(self, name: str = "INBOX") -> list[int]:
        bounds = [bound for page in (await self.view(name)).uids for bound in page.bounds]
        return [uid for at in range(0, len(bounds), 2) for uid in range(bounds[at], bounds[at + 1] + 1)]

    async def expunge(self, first: int, last: int, name: str = "INBOX") -> None:
        """Expunge UIDs, as a command whose id is `expunge`, name and first UID."""
        mailbox = (await self.view(name)).mailbox.id
        store = pb.StoreRequest(account=ACCOUNT, mailbox=mailbox, uids=spans((first, last)), flags=["\\Deleted"])
        await self.mailstore.call("Store", store)
        request = pb.ExpungeRequest(account=ACCOUNT, mailbox=mailbox)
        await self.mailstore.call("Expunge", request, f"expunge-{name}-{first}")

    async def events(self, kind: type) -> list[Any]:
        return [entry.event for entry in await self.store.read_stream(ACCOUNT) if isinstance(entry.event, kind)]

    async def used(self) -> tuple[int, int]:
        row = await self.store.read(
            lambda reader: reader.first_row("SELECT used, messages FROM account WHERE account = ?", (ACCOUNT,))
        )
        assert row is not None
        return row[0], row[1]

    async def rows(self, table: str) -> int:
        return int((await self.store.read(lambda reader: reader.all(f"SELECT count(*) FROM {table}")))[0][0])


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    clock = FixedClock()
    async with counted_mailstore(database, steps=False, clock=clock) as mailstore:
        place = Place(mailstore, clock)
        yield place
        assert (await mailstore.store.verify()).equal


async def test_expunged_messages_come_back_with_new_uids(place: Place) -> None:
    mailstore = place.mailstore
    await mailstore.append(6)
    before, (size, _) = await mailstore.fetched(await everything(place)), await place.used()
    place.clock.at += DAY
    await place.expunge(2, 4)
    assert (await place.uids(), (await place.used())[1]) == ([1, 5, 6], 3)
    listed = await mailstore.listed()
    assert [(message.mailbox, message.uid, message.cause, message.subject) for message in listed] == [
        ("INBOX", 4, "expunged", "4"),
        ("INBOX", 3, "expunged", "3"),
        ("INBOX", 2, "expunged", "2"),
    ]
    assert {message.author for message in listed} == {"<wanda@example.com>"}
    assert {message.until - place.clock.now() for message in listed} == {30 * DAY}
    place.clock.at += DAY
    version = (await place.view()).version
    assert await mailstore.restore(mailbox="inbox", uids=(3, 4)) == {"INBOX": 2}
    assert (await place.uids(), await place.rows("removed_entry")) == ([1, 5, 6, 7, 8], 1)
    (event,) = await place.events(MessagesRestored)
    assert (event.uids, event.first_uid) == (((3, 4),), 7)
    changes = pb.ChangesRequest(
        account=ACCOUNT, mailbox=(await place.view()).mailbox.id, since=version, uid_next=7, keywords=99
    )
    assert [list(page.bounds) for page in (await mailstore.call("Changes", changes)).added] == [[7, 8]]
    assert await mailstore.restore() == {"INBOX": 1}
    assert await place.used() == (size, 6)
    again = await mailstore.fetched(await everything(place))
    was, now = attributes(before), attributes(again)
    assert [now[uid] for uid in (7, 8, 9)] == [was[uid] for uid in (3, 4, 2)]
    assert (await place.view()).mailbox.deleted == 0
    saved = await place.store.read(lambda reader: reader.all("SELECT DISTINCT saved FROM entry WHERE uid > 6"))
    assert saved == [(place.clock.now(),)]
    assert await mailstore.restore() == {}


async def everything(place: Place) -> pb.FetchRequest:
    return pb.FetchRequest(
        account=ACCOUNT,
        mailbox=(await place.view()).mailbox.id,
        uids=spans((1, 1000)),
        internal_date=True,
        size=True,
        email_id=True,
        thread_id=True,
        envelope=True,
    )


def attributes(batches: list[pb.FetchBatch]) -> dict[int, tuple[list[str], bytes]]:
    """Flags and attributes by UID."""
    return {
        uid: (list(batch.flag_sets[flags].flags), octets)
        for batch in batches
        for uid, flags, octets in zip(batch.uids, batch.flags, batch.attributes, strict=True)
    }


async def test_what_was_in_a_deleted_mailbox_comes_into_one_of_its_name_else_into_inbox(place: Place) -> None:
    mailstore = place.mailstore
    await mailstore.append(4)
    inbox = (await place.view()).mailbox.id
    for name in ("Old", "Older"):
        await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name=name))
    for name, uids in (("Old", spans((1, 2))), ("Older", spans((3, 4)))):
        request = pb.CopyRequest(account=ACCOUNT, mailbox=inbox, uids=uids, target=name, messages=2)
        await mailstore.call("Move", request)
        await mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name=name))
    assert [(message.mailbox, message.cause) for message in await mailstore.listed(cause="deleted", mailbox="Old")] == [
        ("Old", "deleted")
    ] * 2
    assert await place.used() == (0, 0)
    await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="Old"))
    assert await mailstore.restore() == {"Old": 2, "INBOX": 2}
    assert (await place.uids("Old"), await place.uids()) == ([1, 2], [5, 6])
    await place.expunge(5, 5)
    await place.expunge(1, 1, "Old")
    with pytest.raises(NotFound):
        await mailstore.restore(into="Nowhere")
    assert await mailstore.restore(into="Old") == {"Old": 2}


async def test_a_run_of_expiry_is_undone_by_its_id_and_begins_its_days_anew(place: Place) -> None:
    mailstore, clock = place.mailstore, place.clock
    commands = ExpiryCommands(mailstore.store, OneRule(), clock, MailstoreSettings())
    expiry = Expiry(mailstore.store, OneRule(), clock, 60, Ids(clock))
    await mailstore.append(1200)
    await commands.change(ACCOUNT, "INBOX", 5, OPERATOR, dry_run=False)
    await place.expunge(1, 100)
    clock.at += 5 * DAY
    await mailstore.append(1)
    assert await expiry.look() == 1100
    listed = await mailstore.listed(cause="expired")
    runs = {message.command for message in listed}
    assert (len(listed), len(runs)) == (1100, 1)
    clock.at += DAY
    assert await mailstore.restore(command=runs.pop()) == {"INBOX": 1100}
    assert [(event.uids, event.first_uid) for event in await place.events(MessagesRestored)] == [(((101, 1200),), 1202)]
    assert await expiry.look() == 0
    clock.at += 4 * DAY
    assert await expiry.look() == 1  # the one that came after the run
    clock.at += DAY
    assert await expiry.look() == 1100


async def test_a_command_of_several_units_that_was_cut_off_is_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends after the first unit; then the client repeats the command, and once more."""
    monkeypatch.setattr(restoring, "EVENT_MESSAGES", 40)
    mailstore = place.mailstore
    await mailstore.append(100)
    await place.expunge(1, 100)
    real, calls = restoring.next_of, 0

    def dies(*about: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("killed")
        return real(*about)

    monkeypatch.setattr(restoring, "next_of", dies)
    with pytest.raises(RuntimeError, match="killed"):
        await mailstore.restore(repeated="c-restore")
    assert len(await place.uids()) == 40
    for _ in range(2):
        assert await mailstore.restore(repeated="c-restore") == {"INBOX": 100}
        assert await place.uids() == list(range(101, 201))
    assert [event.uids for event in await place.events(MessagesRestored)] == [((1, 40),), ((41, 80),), ((81, 100),)]
    assert await mailstore.restore() == {}


async def test_after_the_window_nothing_is_offered_and_rows_and_blobs_are_let_go(place: Place) -> None:
    mailstore, clock = place.mailstore, place.clock
    await mailstore.append(300)
    for first in range(1, 251):
        await place.expunge(first, first)
    clock.at += 10 * DAY
    await place.expunge(251, 260)
    forgetting = UndeleteWindow(mailstore.store, clock, 30, 60)
    clock.at += 20 * DAY - 1
    assert (await forgetting.look(), len(await mailstore.listed())) == (0, 260)
    assert len(await mailstore.listed(since=clock.now() - 21 * DAY)) == 10
    clock.at += 1
    assert (await mailstore.restore(mailbox="INBOX", uids=(1, 250)), len(await mailstore.listed())) == ({}, 10)
    assert (await place.rows("removed_entry"), await forgetting.look(), await place.rows("removed_entry")) == (
        260,
        250,
        10,
    )
    assert len(await place.events(RemovedForgotten)) == 2  # a step has at most 200 removals
    assert (await place.rows("removal"), await forgetting.look()) == (1, 0)
    assert await mailstore.restore() == {"INBOX": 10}


async def test_an_operator_is_not_bound_by_the_quota_and_the_owner_is_warned(place: Place) -> None:
    mailstore = place.mailstore
    await mailstore.append(10)
    await place.expunge(1, 5)
    mailstore.quotas.limits = QuotaLimits(messages=6)
    await mailstore.append(1)
    assert await mailstore.restore() == {"INBOX": 5}
    assert (await place.used())[1] == 11
    assert [event.percent for event in await place.events(QuotaWarned)] == [95]


async def test_keywords_above_the_limit_of_another_mailbox_are_refused(place: Place) -> None:
    mailstore = place.mailstore
    inbox = (await place.view()).mailbox.id
    await mailstore.append(12)
    await mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="Full"))
    request = pb.CopyRequest(account=ACCOUNT, mailbox=inbox, uids=spans((12, 12)), target="Full", messages=1)
    await mailstore.call("Move", request)
    full = (await place.view("Full")).mailbox.id
    for number in range(998 // 50 + 1):
        words = [f"w{number}-{word}" for word in range(min(50, 998 - 50 * number))]
        for mode in (pb.StoreRequest.ADD, pb.StoreRequest.REMOVE):
            store = pb.StoreRequest(account=ACCOUNT, mailbox=full, uids=spans((1, 1)), flags=words, mode=mode)
            await mailstore.call("Store", store)
    store = pb.StoreRequest(account=ACCOUNT, mailbox=inbox, uids=spans((1, 1)), flags=["new", "newer"])
    await mailstore.call("Store", store)
    await place.expunge(1, 1)
    with pytest.raises(LimitReached, match="keywords"):
        await mailstore.restore(into="Full")
    assert await mailstore.restore() == {"INBOX": 1}


async def test_an_account_that_is_gone_gets_nothing_back_and_its_erasure_takes_what_was_removed(place: Place) -> None:
    mailstore = place.mailstore
    await mailstore.append(700)
    await place.expunge(1, 50)
    await mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, True)], OPERATOR))
    with pytest.raises(NotFound, match="removed"):
        await mailstore.restore()
    steps = 0
    while await place.rows("account"):
        await mailstore.store.write(lambda tx: erase_page(tx, ACCOUNT), long=True)
        steps += 1
        assert await place.rows("removed_entry") <= 500
    assert steps < 12
    assert (await place.rows("removed_entry"), await place.rows("removal")) == (0, 0)


async def test_requests_that_mean_nothing_are_refused(place: Place) -> None:
    mailstore = place.mailstore
    for bounds in ((5,), (5, 4), (1, 5, 5, 6), tuple(range(1, 2 * 1001 + 1))):
        with pytest.raises(Invalid, match="ranges"):
            await mailstore.restore(mailbox="INBOX", uids=bounds)
    with pytest.raises(Invalid, match="name it"):
        await mailstore.restore(uids=(1, 2))
    with pytest.raises(Invalid, match="no cause"):
        await mailstore.restore(cause="eaten")
    assert await mailstore.listed(mailbox="Nowhere") == []
