"""The database fails while an acceptance commits: the client gets the right reply, and no mail is stored twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence, Set
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.releaser import Releaser
from services.ingress.handlers.waiting import WaitingLimits, WaitingSubmissions
from services.ingress.projections.receptions import MOVING, ReceptionProjection
from services.ingress.projections.waiting import WaitingProjection
from shared.clock import FixedClock
from shared.events.mail import Client, MailReceived, MailSubmitted, Message
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from tests.contract.eventstore.faulty import Fault, FaultyBackend

PROVENANCE = Provenance(Actor("service", "ingress"))


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
async def store(tmp_path: Path, fault: Fault) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    store = EventStore(
        FaultyBackend(SqliteBackend(tmp_path / "ingress.sqlite"), fault),
        metadata,
        (ReceptionProjection(metadata), WaitingProjection(metadata)),
        FixedClock(),
    )
    await store.open()
    yield store
    await store.close()


def mail() -> MailReceived:
    return MailReceived("q1", "ann@example.org", (), Message("g1/00", 10), Client("192.0.2.1"))


async def test_a_committed_event_is_accepted(store: EventStore, fault: Fault) -> None:
    fault.next = "commit"
    recorded = await Receptions(store, 10.0).accept(mail(), PROVENANCE)
    assert recorded.version == 1
    assert [entry.version for entry in await store.read_stream("q1")] == [1]


async def test_a_database_that_fails_again_is_asked_again(
    store: EventStore, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    receptions = Receptions(store, 10.0)
    read, failures = store.read_stream, [StoreUnavailable("it fell again")]

    async def falling(*where: Any) -> list[Recorded]:
        if failures:
            raise failures.pop()
        return await read(*where)

    monkeypatch.setattr(store, "read_stream", falling)
    fault.next = "commit"
    assert (await receptions.accept(mail(), PROVENANCE)).version == 1
    assert failures == []


async def test_an_event_that_was_not_committed_is_written_now(store: EventStore, fault: Fault) -> None:
    fault.next = "before commit"
    assert (await Receptions(store, 10.0).accept(mail(), PROVENANCE)).version == 1
    assert len(await store.read_stream("q1")) == 1


async def test_the_wait_for_the_database_ends(store: EventStore, fault: Fault) -> None:
    fault.next = "before commit"
    fault.then = "begin"
    with pytest.raises(StoreUnavailable) as given_up:
        await Receptions(store, 0.0).accept(mail(), PROVENANCE)
    assert given_up.value.in_doubt  # although the last try was not committed: the first one may have been
    assert await store.read_stream("q1") == []


async def test_without_doubt_there_is_no_wait(store: EventStore, fault: Fault) -> None:
    fault.next = "begin"
    with pytest.raises(StoreUnavailable) as refused:
        await Receptions(store, 3600.0).accept(mail(), PROVENANCE)
    assert not refused.value.in_doubt
    assert await store.read_stream("q1") == []


class NotedRepeater:
    """Notes what the releaser asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def begin(self, queue_id: str) -> None:
        self.asked.append(queue_id)

    def look(self) -> None:
        self.asked.append("a round")


class EveryAccount:
    """Says that every account is in use."""

    async def states_of(self, accounts: Sequence[str]) -> tuple[Set[str], Set[str]]:
        return frozenset(), frozenset()


async def test_a_release_in_doubt_is_published_by_a_round(store: EventStore, fault: Fault) -> None:
    """The commit succeeded without an answer: the mail is on its way, so it must not wait for the next usual round."""
    clock = FixedClock()
    receptions, waiting = Receptions(store, 10.0), WaitingSubmissions(store, clock, 0.0, WaitingLimits(31, 10, 1000))
    event = MailSubmitted("q1", "", (), Message("g1/00", 10), Client(""), "u1", "a1", release_at=clock.now() + 1)
    await receptions.accept(event, PROVENANCE)
    repeater = NotedRepeater()
    releaser = Releaser(waiting, repeater, clock, EveryAccount())  # type: ignore[arg-type]
    fault.next = "commit"
    with pytest.raises(StoreUnavailable):
        await releaser.release(["q1"])
    assert [queue_id for queue_id, _ in await receptions.page(MOVING, "", 10)] == ["q1"]
    assert await releaser.release(["q1"]) == []
    assert repeater.asked == ["a round"]
    assert [entry.event.stored_name for entry in await store.read_stream("q1")] == ["mail.submitted", "mail.released"]
