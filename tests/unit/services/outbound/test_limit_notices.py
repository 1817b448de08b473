"""The owner of an account is notified once when a limit holds its mail, also across a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import sqlalchemy

from services.outbound.domain.sending_limits import SendingLimits
from services.outbound.handlers.account_limits import AccountLimits
from services.outbound.handlers.enqueue import Enqueuer
from services.outbound.handlers.holds import Holds
from services.outbound.handlers.limit_notices import LimitNotices
from services.outbound.projections.holds import HoldProjection
from services.outbound.projections.limits import LimitProjection
from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.reports import ReportProjection
from services.outbound.projections.sent import SentProjection
from shared.blobs.blob_id import BlobId
from shared.blobs.local import LocalBlobs
from shared.clock import FixedClock
from shared.events.outbound import OutboundOwnerNotified, OutboundQueued, OutboundReleased, OutboundReportMade
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.ids import Ids
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import language_of

BY = Provenance(Actor("service", "delivery"))
HOUR = 3_600
LANGUAGES = {"maja@example.org": "de"}


async def written_to(address: str) -> Addressee:
    return Addressee(address, language=language_of(LANGUAGES.get(address, "")))


class Account:
    """A queue that lets each account send two mails an hour."""

    def __init__(self, folder: Path, blobs: LocalBlobs, *, releases: bool) -> None:
        metadata, self.clock = sqlalchemy.MetaData(), FixedClock()
        kinds = (QueueProjection, SentProjection, LimitProjection, ReportProjection, HoldProjection)
        projections = tuple(kind(metadata) for kind in kinds)
        self.store = EventStore(SqliteBackend(folder / "outbound.db"), metadata, projections, self.clock)
        ids = Ids(self.clock)
        limits = AccountLimits(SendingLimits(mails_an_hour=2), self.clock, releases=releases)
        self.enqueuer = Enqueuer(self.store, Holds(self.store, ids), limits, ids, self.clock, 1000)
        self.blobs = blobs
        self.notices = LimitNotices(self.store, blobs, self.clock, ids, "mail.example.org", written_to)
        self.sent = 0

    async def send(self, number: int, account: str = "a1", sender: str = "ann@example.org") -> None:
        for _ in range(number):
            self.sent += 1
            copy = OutboundQueued(
                "", f"q{self.sent}", "bob@far.example", 0, "g/b", b"", 7, sender, "bob@far.example", account=account
            )
            await self.enqueuer.enqueue(copy, BY)

    async def release_all(self) -> None:
        rows = await self.store.read(lambda reader: reader.all("SELECT entry, queue_id FROM limit_held"))
        for entry, queue_id in rows:
            await self._release(OutboundReleased(entry, queue_id))

    async def _release(self, event: OutboundReleased) -> None:
        await self.store.write(lambda transaction: transaction.append(event.entry, [event], BY))

    async def reports(self) -> list[OutboundReportMade]:
        rows = await self.store.read(lambda reader: reader.all("SELECT report FROM report ORDER BY at, report"))
        events = [(await self.store.read_stream(row[0]))[0].event for row in rows]
        return [event for event in events if isinstance(event, OutboundReportMade)]


@pytest.fixture
async def account(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Account]:
    blobs = LocalBlobs(tmp_path / "blobs", "g0001")
    blobs.start()
    account = Account(tmp_path, blobs, releases=getattr(request, "param", True))
    await account.store.open()
    yield account
    await account.store.close()
    await blobs.close()


async def test_the_owner_is_notified_once_of_what_waits_and_until_when(account: Account) -> None:
    await account.send(7)
    await account.notices.look()
    assert await account.reports() == []  # more may come within the first minute
    account.clock.advance(60)
    for _ in range(2):
        await account.notices.look()
    (report,) = await account.reports()
    assert (report.kind, report.to, report.author) == ("held", "ann@example.org", "postmaster@mail.example.org")
    blob = await account.blobs.read(BlobId(report.blob))
    message = message_from_bytes(blob.body(), policy=policy.default)
    assert message["Auto-Submitted"] == "auto-generated"
    text = " ".join(message.get_content().split())
    assert "because the account sends more than 2 mails an hour." in text
    assert "5 mails wait at present; the last leaves at Wed, 15 Nov 2023 01:13:20 +0000." in text
    assert (await account.store.verify()).equal


@pytest.mark.parametrize("account", [False], indirect=True)
async def test_mail_that_only_an_operator_releases_says_so(account: Account) -> None:
    await account.send(3)
    account.clock.advance(60)
    await account.notices.look()
    (report,) = await account.reports()
    text = (await account.blobs.read(BlobId(report.blob))).body()
    assert b"One mail waits at present; the operator of this server releases them." in b" ".join(text.split())


async def test_a_later_crossing_is_notified_again_and_not_twice_a_day(account: Account) -> None:
    await account.send(3)
    account.clock.advance(60)
    await account.notices.look()
    for hours, number in ((5, 1), (25, 2)):
        await account.release_all()
        account.clock.advance(hours * HOUR)
        await account.send(3)
        account.clock.advance(60)
        await account.notices.look()
        assert len(await account.reports()) == number


async def test_nothing_is_sent_when_nothing_waits_any_more(account: Account) -> None:
    await account.send(3)
    await account.release_all()
    account.clock.advance(60)
    await account.notices.look()
    assert await account.reports() == []
    events = [recorded.event for recorded in await account.store.read_stream("limit/a1")]
    assert isinstance(events[-1], OutboundOwnerNotified)
    assert events[-1].mails == 0


async def test_test_mails_and_mail_without_a_sender_notify_nobody(account: Account) -> None:
    await account.send(5, account="")
    await account.send(5, sender="")
    account.clock.advance(60)
    await account.notices.look()
    assert await account.reports() == []


async def test_the_owner_reads_the_limit_in_the_own_language(account: Account) -> None:
    await account.send(3, sender="maja@example.org")
    account.clock.advance(60)
    await account.notices.look()
    (report,) = await account.reports()
    assert report.subject == "Nachrichten an andere Server warten: Ihr Konto liegt über einer Grenze"
    message = message_from_bytes((await account.blobs.read(BlobId(report.blob))).body(), policy=policy.default)
    assert message["Subject"] == report.subject
    text = " ".join(message.get_content().split())
    assert "Der Grund: Das Konto sendet mehr als 2 Nachrichten in einer Stunde." in text
    assert "Zurzeit wartet eine Nachricht; die letzte geht ab: Di., 14. November 2023, 23:13:20 (+0000)." in text
