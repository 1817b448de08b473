"""Mail is handed over to the queue once, within the limit, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import sqlalchemy

from services.outbound.domain.schedule import RetrySchedule
from services.outbound.domain.sending_limits import SendingLimits
from services.outbound.endpoints.servicer import OutboundEndpoint
from services.outbound.handlers.account_limits import AccountLimits
from services.outbound.handlers.commands import QueueCommands
from services.outbound.handlers.due import DueEntries
from services.outbound.handlers.enqueue import Enqueuer
from services.outbound.handlers.holds import Holds
from services.outbound.handlers.record import Recorder
from services.outbound.handlers.reports import Reports
from services.outbound.projections.holds import HoldProjection
from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.reports import ReportProjection
from shared.clock import FixedClock
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.call import acting
from shared.grpc.errors import Unavailable
from shared.ids import Ids
from shared.rpc.mailfold.outbound.v1 import outbound_pb2 as pb
from shared.turns import Turns

LIMIT = 3


class NothingIsSent:
    """A runner that sends nothing."""

    def is_claimed(self, entry: str) -> bool:
        return False


class Queue:
    """The endpoint with its own store; `open` it again as a restarted process does."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._clock = FixedClock()

    async def open(self) -> Queue:
        metadata = sqlalchemy.MetaData()
        projections = (QueueProjection(metadata), HoldProjection(metadata), ReportProjection(metadata))
        self.store = EventStore(SqliteBackend(self._file), metadata, projections, self._clock)
        await self.store.open()
        holds = Holds(self.store, Ids(self._clock))
        limits = AccountLimits(SendingLimits(), self._clock, releases=True)
        enqueuer = Enqueuer(self.store, holds, limits, Ids(self._clock), self._clock, LIMIT)
        await holds.start()
        await enqueuer.start()
        self.store.on_commit(holds.committed)
        self.store.on_commit(enqueuer.committed)
        self.endpoint: Any = OutboundEndpoint(
            self.store, enqueuer, self._commands(), holds, NothingIsSent(), Mock(), 5.0
        )
        return self

    def _commands(self) -> QueueCommands:
        schedule = RetrySchedule()
        reports = Reports(Mock(), schedule, self._clock, Ids(self._clock), "mail.example.org", Mock())
        recorder = Recorder(self.store, reports, schedule, self._clock, lambda: 0.0)
        return QueueCommands(self.store, DueEntries(self.store), recorder, self._clock, Turns(), nullcontext)

    async def take(self, queue_id: str, index: int = 0) -> pb.EnqueueReply:
        request = pb.EnqueueRequest(
            queue_id=queue_id,
            recipient="x@example.net",
            index=index,
            blob="g0001/b",
            size=7,
            reverse_path="ann@example.org",
            forward_path="x@example.net",
            notify="FAILURE",
        )
        reply: pb.EnqueueReply = await self.endpoint.Enqueue(request, None)
        return reply

    async def listed(self, limit: int = 0) -> pb.QueueList:
        result: pb.QueueList = await self.endpoint.List(pb.ListQueueRequest(limit=limit), None)
        return result


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[Queue]:
    opened = await Queue(tmp_path / "outbound.sqlite").open()
    yield opened
    await opened.store.close()


async def test_a_hand_over_waits_in_the_queue(queue: Queue) -> None:
    reply = await queue.take("q1")
    (entry,) = (await queue.listed()).entries
    assert (entry.id, entry.queue_id, entry.sender, entry.recipient, entry.size, entry.state, reply.repeated) == (
        reply.queue_entry,
        "q1",
        "ann@example.org",
        "x@example.net",
        7,
        "waiting",
        False,
    )


async def test_a_repeat_is_answered_as_the_first_time(queue: Queue) -> None:
    first = await queue.take("q1")
    again = await asyncio.gather(*(queue.take("q1") for _ in range(5)))
    assert {(result.queue_entry, result.repeated) for result in again} == {(first.queue_entry, True)}
    assert (await queue.take("q1", index=1)).queue_entry != first.queue_entry
    assert (await queue.listed()).total == 2


async def test_the_event_keeps_who_and_why_and_the_key(queue: Queue) -> None:
    with acting(Provenance(Actor("service", "delivery"), "delivery.1.1", "q1")):
        reply = await queue.take("q1")
    (recorded,) = await queue.store.read_stream(reply.queue_entry)
    assert recorded.provenance == Provenance(Actor("service", "delivery"), "delivery.1.1", "q1", "q1/0/x@example.net")


async def test_a_full_queue_lets_senders_wait_and_still_answers_repeats(queue: Queue) -> None:
    for number in range(LIMIT):
        await queue.take(f"q{number}")
    with pytest.raises(Unavailable) as caught:
        await queue.take("one more")
    assert caught.value.reason == "full"
    assert (await queue.take("q0")).repeated
    assert (await queue.listed()).total == LIMIT


async def test_the_limit_holds_after_a_restart(queue: Queue) -> None:
    for number in range(LIMIT):
        await queue.take(f"q{number}")
    await queue.store.close()
    await queue.open()
    with pytest.raises(Unavailable):
        await queue.take("one more")


async def test_the_list_is_bounded_and_counts_all(queue: Queue) -> None:
    for number in range(LIMIT):
        await queue.take(f"q{number}")
    result = await queue.listed(limit=2)
    assert (len(result.entries), result.total) == (2, LIMIT)


async def test_the_queue_is_the_fold_of_its_events(queue: Queue) -> None:
    await queue.take("q1")
    assert (await queue.store.verify()).equal
    await queue.store.rebuild()
    assert (await queue.listed()).total == 1
