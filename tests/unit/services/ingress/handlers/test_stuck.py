"""The oldest unsettled mail is reported with advice, once it is too old."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.stuck import stuck_mails
from services.ingress.projections.receptions import ReceptionProjection
from shared.clock import FixedClock
from shared.events.mail import Client, MailReceived, Message
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

PROVENANCE = Provenance(Actor("service", "ingress"))
PATIENCE = 900.0


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def receptions(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Receptions]:
    metadata = sqlalchemy.MetaData()
    store = EventStore(SqliteBackend(tmp_path / "i.sqlite"), metadata, (ReceptionProjection(metadata),), clock)
    await store.open()
    yield Receptions(store, 1.0)
    await store.close()


async def accept(receptions: Receptions, queue_id: str) -> None:
    mail = MailReceived(queue_id, "ann@example.org", (), Message("g1/00", 10), Client("192.0.2.1"))
    await receptions.accept(mail, PROVENANCE)


async def test_a_mail_is_stuck_when_it_is_too_old(receptions: Receptions, clock: FixedClock) -> None:
    await accept(receptions, "q1")
    clock.advance(PATIENCE - 1)
    await accept(receptions, "q2")
    assert [entry async for entry in stuck_mails(receptions, clock, PATIENCE)] == []
    clock.advance(2)
    ((what, advice),) = [entry async for entry in stuck_mails(receptions, clock, PATIENCE)]
    assert what.startswith("mail q1 is on its way since ") and "mailfold trace q1" in advice


async def test_a_mail_that_is_held_is_named_apart(receptions: Receptions, clock: FixedClock) -> None:
    await accept(receptions, "q1")
    await receptions.hold("q1", "dead letter x", PROVENANCE)
    await accept(receptions, "q2")
    clock.advance(PATIENCE + 1)
    whats = [what async for what, _ in stuck_mails(receptions, clock, PATIENCE)]
    assert [what.split(" since ")[0] for what in whats] == ["mail q2 is on its way", "mail q1 is held"]
