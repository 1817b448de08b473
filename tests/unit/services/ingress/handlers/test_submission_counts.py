"""What applications submitted in the last hour is known again after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy

from services.ingress.domain.client import SmtpClient
from services.ingress.handlers.submission_counts import SubmissionCounts
from services.ingress.projections.submission_counts import SubmissionCountProjection
from shared.clock import FixedClock
from shared.events.mail import Client, MailSubmitted, Message
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

BY = Provenance(Actor("user", "a1"))


class World(NamedTuple):
    """A store with its clock."""

    clock: FixedClock
    store: EventStore

    async def submit(self, number: int, user: str = "a1") -> None:
        """Accept a mail of an application, or of a user with the account a1."""
        queue_id = f"q{number:019}"
        event = MailSubmitted(queue_id, "", (), Message(f"g1/{queue_id}", 10), Client(""), user, "a1")
        await self.store.write(lambda transaction: transaction.append(queue_id, [event], BY))

    async def rows(self) -> list[tuple[int, int]]:
        """How many mails in how many minutes before now."""
        sql = "SELECT minute, mails FROM application_submission ORDER BY minute DESC"
        now = self.clock.now() // 60_000_000
        return await self.store.read(lambda reader: [(now - at, mails) for at, mails in reader.all(sql)])

    def after_restart(self) -> SubmissionCounts:
        """The counts of a process that has just started."""
        return SubmissionCounts(self.store, self.clock)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    metadata, clock = sqlalchemy.MetaData(), FixedClock()
    projection = SubmissionCountProjection(metadata)
    store = EventStore(SqliteBackend(tmp_path / "i.sqlite"), metadata, (projection,), clock)
    await store.open()
    yield World(clock, store)
    assert not (await store.verify()).differences
    await store.close()


def application(limit: int) -> SmtpClient:
    client = SmtpClient("s", "192.0.2.1", 4711, "submission")
    client.user = client.account = "a1"
    client.mails_an_hour = limit
    return client


async def test_a_restart_goes_on_with_the_hour(world: World) -> None:
    for number in range(3):
        await world.submit(number)
        world.clock.advance(600)
    assert await world.rows() == [(10, 1), (20, 1), (30, 1)]
    assert not await world.after_restart().has_room(application(3))
    counts = world.after_restart()
    assert await counts.take(application(4)) and not await counts.take(application(4))
    world.clock.advance(1801)
    assert await world.after_restart().has_room(application(3))
    assert not await counts.has_room(application(3))  # it counted its own mail too, which no event has


async def test_mail_of_users_is_not_counted(world: World) -> None:
    await world.submit(1, user="u1")
    assert await world.rows() == []


async def test_an_application_has_at_most_a_row_for_each_minute_of_an_hour(world: World) -> None:
    for number in range(150):
        await world.submit(number)
        world.clock.advance(60)
    assert await world.rows() == [(age, 1) for age in range(1, 61)]
    for number in range(150, 160):
        await world.submit(number)
    assert (await world.rows())[0] == (0, 10)
    assert len(await world.rows()) == 60


async def test_without_a_limit_nothing_is_read(world: World) -> None:
    before = world.store.figures["rows_read"]
    await world.submit(1)
    counts = world.after_restart()
    assert await counts.take(application(0)) and await counts.has_room(application(0))
    assert world.store.figures["rows_read"] == before
