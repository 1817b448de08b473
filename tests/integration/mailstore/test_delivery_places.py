"""Where a delivery goes: an id, a special use and a name in this order; a mailbox is made only where that is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.store import Backend
from shared.grpc.errors import LimitReached
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    """An empty mailbox store for at most 100 mailboxes and 10 subscriptions."""
    database: Path | Backend = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as opened:
        yield opened


async def deliver(mailstore: CountedMailstore, index: int = 0, **values: Any) -> str:
    """Deliver a mail; returns the name of its mailbox, or "repeated"."""
    request = pb.DeliverRequest(
        account=ACCOUNT, queue_id="q1", recipient="ann@example.org", index=index, blob="g0001/b", size=10, **values
    )
    reply: pb.DeliverReply = await mailstore.call("Deliver", request)
    return "repeated" if reply.repeated else reply.mailbox_name


async def boxes(mailstore: CountedMailstore) -> dict[str, pb.Mailbox]:
    listed: pb.MailboxList = await mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT))
    return {box.name: box for box in listed.mailboxes}


async def test_a_missing_mailbox_is_inbox_unless_it_is_made(mailstore: CountedMailstore) -> None:
    before = await boxes(mailstore)
    assert await deliver(mailstore, 0, mailbox="A/B/C") == "INBOX"
    assert await boxes(mailstore) != before and set(await boxes(mailstore)) == set(before)
    assert await deliver(mailstore, 1, mailbox="A/B/C", create=True) == "A/B/C"
    assert set(await boxes(mailstore)) - set(before) == {"A", "A/B", "A/B/C"}
    assert (await boxes(mailstore))["A/B/C"].subscribed


async def test_what_exists_is_not_touched(mailstore: CountedMailstore) -> None:
    await deliver(mailstore, 0, mailbox="Archive")
    before = (await boxes(mailstore))["Archive"]
    assert await deliver(mailstore, 1, mailbox="Archive", create=True, special_use="\\Flagged") == "Archive"
    after = (await boxes(mailstore))["Archive"]
    assert (after.id, after.uid_validity, after.messages, after.special_use) == (
        before.id,
        before.uid_validity,
        2,
        "\\Archive",
    )
    assert await deliver(mailstore, 2, mailbox="inbox", create=True) == "INBOX"


async def test_a_repeat_makes_nothing_a_second_time(mailstore: CountedMailstore) -> None:
    assert await deliver(mailstore, mailbox="New", create=True) == "New"
    await mailstore.call("RenameMailbox", pb.RenameMailboxRequest(account=ACCOUNT, name="New", new_name="Old"))
    assert await deliver(mailstore, mailbox="New", create=True) == "repeated"
    listed = await boxes(mailstore)
    assert "New" not in listed and listed["Old"].messages == 1


async def test_an_id_and_a_special_use_take_precedence(mailstore: CountedMailstore) -> None:
    listed = await boxes(mailstore)
    known = listed["Sent"].id
    assert await deliver(mailstore, 0, mailbox="Drafts", mailbox_id=known, special_use="\\Archive") == "Sent"
    assert await deliver(mailstore, 1, mailbox="Drafts", mailbox_id="unknown", special_use="\\Archive") == "Archive"
    assert await deliver(mailstore, 2, mailbox="Drafts", mailbox_id="unknown", special_use="\\All") == "Drafts"


async def test_a_new_mailbox_gets_the_special_use_when_it_is_free(mailstore: CountedMailstore) -> None:
    assert await deliver(mailstore, 0, mailbox="Stars", create=True, special_use="\\Flagged") == "Stars"
    assert (await boxes(mailstore))["Stars"].special_use == "\\Flagged"
    assert await deliver(mailstore, 1, mailbox="Odd", create=True, special_use="\\Nonsense") == "Odd"
    assert (await boxes(mailstore))["Odd"].special_use == ""


@pytest.mark.parametrize(
    "name", ["a//b", "x\x01y", "z" * 2000, "d/" * 40 + "d"], ids=["an empty level", "a control", "long", "deep"]
)
async def test_a_name_that_no_mailbox_can_have_is_inbox(mailstore: CountedMailstore, name: str) -> None:
    before = set(await boxes(mailstore))
    assert await deliver(mailstore, mailbox=name, create=True) == "INBOX"
    assert set(await boxes(mailstore)) == before


async def test_above_the_limit_of_mailboxes_mail_is_in_inbox(mailstore: CountedMailstore) -> None:
    number = 0
    while (name := await deliver(mailstore, number, mailbox=f"m{number}", create=True)) != "INBOX":
        assert name == f"m{number}"
        number += 1
    listed = await boxes(mailstore)
    assert len(listed) == 100
    assert sum(box.subscribed for box in listed.values()) == 10, "subscriptions have a limit of their own"


async def test_a_mail_that_is_refused_makes_no_mailbox(mailstore: CountedMailstore) -> None:
    before = set(await boxes(mailstore))
    with pytest.raises(LimitReached):
        await deliver(mailstore, mailbox="New", create=True, quota_bytes=5)
    assert set(await boxes(mailstore)) == before


async def test_a_special_use_is_compared_without_case(mailstore: CountedMailstore) -> None:
    """RFC 8579 §3."""
    assert await deliver(mailstore, 0, mailbox="Drafts", special_use="\\archive") == "Archive"
    assert await deliver(mailstore, 1, mailbox="Stars", create=True, special_use="\\FLAGGED") == "Stars"
    assert (await boxes(mailstore))["Stars"].special_use == "\\Flagged"
