"""What is recorded of an attempt when an operator, or a full disk, comes between its begin and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy

from services.outbound.domain.entry import QueueEntry, entry_of
from services.outbound.domain.outcome import RecipientOutcome, SendingResult
from services.outbound.domain.ready import ReadyMail
from services.outbound.domain.reported import EntryDecision
from services.outbound.domain.schedule import RetrySchedule
from services.outbound.domain.sent import for_all
from services.outbound.handlers import record
from services.outbound.handlers.record import Recorder
from services.outbound.projections.queue import QueueProjection
from shared.blobs.errors import BlobStoreFull
from shared.clock import FixedClock
from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDelivered,
    OutboundHeld,
    OutboundQueued,
    OutboundRescheduled,
)
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

OPERATOR = Provenance(Actor("operator", "root"))


class Reports:
    """Keeps what the notifications would be about; the disk is full for the first `failures` times."""

    def __init__(self) -> None:
        self.failures = 0
        self.about_mails: list[list[str]] = []

    async def about(self, decided: Sequence[EntryDecision]) -> list[tuple[str, Event]]:
        if self.failures:
            self.failures -= 1
            raise BlobStoreFull("no space left on the device")
        self.about_mails.append([entry.id for entry, _ in decided])
        return []


class Queue:
    """A store with a recorder."""

    def __init__(self, file: Path) -> None:
        metadata = sqlalchemy.MetaData()
        clock = FixedClock()
        self.store = EventStore(SqliteBackend(file), metadata, (QueueProjection(metadata),), clock)
        self.reports = Reports()
        self.recorder = Recorder(self.store, cast(Any, self.reports), RetrySchedule(), clock, lambda: 0.0)

    async def entry(self, entry: str, sender: str = "ann@example.org", queue_id: str = "q1") -> QueueEntry:
        """A queued entry."""
        event = OutboundQueued(entry, queue_id, "bob@far.example", 0, "g0001/b", b"", 7, sender, "bob@far.example")
        await self.append(entry, event)
        return await self.read(entry)

    async def append(self, entry: str, event: Event) -> None:
        await self.store.write(lambda transaction: transaction.append(entry, [event], OPERATOR))

    async def read(self, entry: str) -> QueueEntry:
        queue_entry = entry_of(await self.store.read_stream(entry))
        assert queue_entry is not None
        return queue_entry

    async def end(self, entry: QueueEntry, outcome: RecipientOutcome) -> list[type[Event]]:
        """Record an attempt at the entry as it was when the attempt began; returns the events of its stream."""
        mail = ReadyMail(entry.queued.queue_id, "far.example", "ann@example.org", (entry,))
        await self.recorder.record_attempt(mail, "mx far.example", for_all(mail.ids, outcome), 0, 0)
        return [type(item.event) for item in await self.store.read_stream(entry.id)]


DELIVERED = RecipientOutcome(SendingResult.DELIVERED)
REFUSED = RecipientOutcome(SendingResult.REFUSED, "5.1.1", "no such user")
DEFERRED = RecipientOutcome(SendingResult.DEFERRED, "4.2.1", "later")


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    opened = Queue(tmp_path / "outbound.sqlite")
    await opened.store.open()
    yield opened
    await opened.store.close()


@pytest.mark.parametrize("change", [OutboundRescheduled("e1", "q1", 5), OutboundHeld("e1", "q1", "held")])
@pytest.mark.parametrize(("outcome", "end"), [(DELIVERED, OutboundDelivered), (REFUSED, OutboundBounced)])
async def test_a_mail_that_was_taken_or_refused_meanwhile_is_not_sent_again(
    queue: Queue, change: Event, outcome: RecipientOutcome, end: type[Event]
) -> None:
    entry = await queue.entry("e1")
    await queue.append("e1", change)
    assert await queue.end(entry, outcome) == [OutboundQueued, type(change), end]
    assert not (await queue.read("e1")).is_open


async def test_an_entry_that_was_cancelled_meanwhile_stays_cancelled(queue: Queue) -> None:
    entry = await queue.entry("e1")
    await queue.append("e1", OutboundCancelled("e1", "q1"))
    assert await queue.end(entry, DELIVERED) == [OutboundQueued, OutboundCancelled]


async def test_a_deferral_does_not_undo_what_the_operator_changed_meanwhile(queue: Queue) -> None:
    entry = await queue.entry("e1")
    await queue.append("e1", OutboundHeld("e1", "q1", "held"))
    assert await queue.end(entry, DEFERRED) == [OutboundQueued, OutboundHeld]


async def test_a_second_write_of_the_same_outcome_adds_nothing(queue: Queue) -> None:
    entry = await queue.entry("e1")
    assert await queue.end(entry, DELIVERED) == [OutboundQueued, OutboundDelivered]
    assert await queue.end(entry, DELIVERED) == [OutboundQueued, OutboundDelivered]


async def test_an_outcome_waits_for_room_on_the_disk(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_RETRY_SECONDS", 0.0)
    entry = await queue.entry("e1")
    queue.reports.failures = 2
    assert await queue.end(entry, REFUSED) == [OutboundQueued, OutboundBounced]
    assert queue.reports.failures == 0


async def test_each_sender_is_notified_of_its_own_mail_alone(queue: Queue) -> None:
    entries = [
        await queue.entry("e1", "ann@example.org", "q1"),
        await queue.entry("e2", "eve@example.org", "q2"),
        await queue.entry("e3", "ann@example.org", "q1"),
        await queue.entry("e4", "eve@example.org", "q1"),
    ]
    decided = [
        (entry, OutboundBounced(entry.id, entry.queued.queue_id, "bob@far.example", "5.7.0", "ended"))
        for entry in entries
    ]
    await queue.recorder.record(decided, OPERATOR)
    assert sorted(queue.reports.about_mails) == [["e1", "e3"], ["e2"], ["e4"]]
    assert [(await queue.read(entry.id)).is_open for entry in entries] == [False] * 4
