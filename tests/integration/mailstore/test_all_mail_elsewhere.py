"""COPY and MOVE between All Mail and a mailbox of another account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.access.session.refusals import reason_code
from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.handlers import placing_elsewhere
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.handlers.placing_elsewhere import Goal, MessagesElsewhere, Origin, PlacedElsewhere
from services.mailstore.listing.summaries import Summaries
from services.mailstore.settings import MailstoreSettings
from shared.clock import SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.ids import Ids
from shared.protocol.imap.response_code import Code
from shared.protocol.imap.rights import ALL_RIGHTS
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore
from tests.integration.mailstore.test_all_mail import switch_on, view

OTHER = "a-bob"


@pytest.fixture
async def mailstore(tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=OTHER))
        for name in ("INBOX", "Sent", "INBOX"):
            await mailstore.append(2, name=name)
        await switch_on(mailstore)
        yield mailstore
        assert (await mailstore.store.verify()).equal


async def place(
    mailstore: CountedMailstore, origin: Origin, account: str, name: str, command: str = "c-1"
) -> PlacedElsewhere:
    clock = SystemClock()
    messages = MessageCommands(Ids(clock), clock, MailstoreSettings())
    summaries = Summaries(mailstore.store, mailstore.blobs, mailstore.turns)
    elsewhere = MessagesElsewhere(mailstore.store, messages, summaries, Ids(clock))
    by = Provenance(Actor("user", "u-ann"), command=command)
    return await elsewhere.place(origin, Goal(account, name, ALL_RIGHTS, QuotaLimits()), by)


async def from_all_mail(mailstore: CountedMailstore, *, takes_away: bool) -> PlacedElsewhere:
    mailbox, uids = await view(mailstore, "All Mail")
    origin = Origin(ACCOUNT, mailbox.id, ((uids[0], uids[-1]),), len(uids), takes_away)
    return await place(mailstore, origin, OTHER, "INBOX")


async def messages_of(mailstore: CountedMailstore, account: str, name: str) -> int:
    reply: pb.MailboxView = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=account, name=name))
    return reply.mailbox.messages


async def figures(mailstore: CountedMailstore) -> tuple[int, ...]:
    """The messages in All Mail, INBOX and Sent, those that the quota counts, and those of the other account."""
    shown = [await messages_of(mailstore, ACCOUNT, name) for name in ("All Mail", "INBOX", "Sent")]
    quota: pb.QuotaReply = await mailstore.call("Quota", pb.QuotaRequest(account=ACCOUNT))
    return *shown, quota.messages, await messages_of(mailstore, OTHER, "INBOX")


async def test_a_copy_leaves_all_where_they_are(mailstore: CountedMailstore) -> None:
    await from_all_mail(mailstore, takes_away=False)
    assert await figures(mailstore) == (6, 4, 2, 6, 6)


@pytest.mark.parametrize("unit", [500, 3])
async def test_a_move_takes_the_messages_out_of_their_own_mailboxes(
    mailstore: CountedMailstore, monkeypatch: pytest.MonkeyPatch, unit: int
) -> None:
    monkeypatch.setattr(placing_elsewhere, "_A_UNIT", unit)
    assert (await from_all_mail(mailstore, takes_away=True)).moved.refused is None
    assert await figures(mailstore) == (0, 0, 0, 0, 6)
    links = await mailstore.store.read(lambda reader: reader.all("SELECT uid FROM all_mail_link"))
    assert not links


async def test_a_repeated_move_doubles_nothing(mailstore: CountedMailstore) -> None:
    mailbox, uids = await view(mailstore, "All Mail")
    origin = Origin(ACCOUNT, mailbox.id, ((uids[0], uids[-1]),), len(uids), takes_away=True)
    first, again = [await place(mailstore, origin, OTHER, "INBOX") for _ in range(2)]
    assert first.moved.placed.target == again.moved.placed.target == ((1, 6),)
    assert await figures(mailstore) == (0, 0, 0, 0, 6)


@pytest.mark.parametrize("takes_away", [False, True])
async def test_nothing_of_another_account_comes_into_all_mail(mailstore: CountedMailstore, takes_away: bool) -> None:
    await from_all_mail(mailstore, takes_away=False)
    inbox = await mailstore.call("ViewMailbox", pb.MailboxNameRequest(account=OTHER, name="INBOX"))
    origin = Origin(OTHER, inbox.mailbox.id, ((1, 6),), 6, takes_away)
    with pytest.raises(MailboxRefused) as refused:
        await place(mailstore, origin, ACCOUNT, "All Mail", "c-2")
    assert reason_code(refused.value.reason) is Code.CANNOT
    assert await figures(mailstore) == (6, 4, 2, 6, 6)
