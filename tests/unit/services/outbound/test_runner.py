"""Which entries are claimed while mails are found, sent and paused, with attempts that a test ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from services.outbound.domain.entry import QueueEntry
from services.outbound.domain.next_hop import HopAddress, NextHop
from services.outbound.domain.ready import HopLimits, HopState, ReadyMail, note_failure
from services.outbound.domain.sending import Sending
from services.outbound.handlers.due import DueDomain, DuePage, grouped
from services.outbound.handlers.routes import Route
from services.outbound.handlers.runner import Runner
from services.outbound.settings import OutboundSettings
from shared.clock import FixedClock
from shared.events.outbound import OutboundPaused, OutboundQueued, OutboundRescheduled, OutboundResumed
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from tests.harness.waiting import until_true

HOP = NextHop("mx.far.example", "mx far.example", "far.example", (HopAddress("mx.far.example", "192.0.2.1", 25),))


def queued(entry: str) -> OutboundQueued:
    return OutboundQueued(
        entry, f"q{entry}", "bob@far.example", 0, "g0001/b", b"", 7, "ann@example.org", "bob@far.example"
    )


def recorded(event: Event) -> Recorded:
    return Recorded(0, 1, "s", 1, 0, Provenance(Actor("service", "outbound")), event)


class Parts:
    """Stands for the store, the routes, the attempts and the switch."""

    def __init__(self) -> None:
        self.is_paused = False
        self.stored: list[str] = []
        """Ids of entries that the store says are due."""
        self.closed: set[str] = set()
        """Those of them whose streams have ended."""
        self.read: list[tuple[str, bool]] = []
        """The entries that were read, and whether they were claimed then."""
        self.looks = 0
        self.route_error: Exception | None = None
        self.attempt_error: Exception | None = None
        self.blocks_until = 0.0
        """When the hop may be tested again after an attempt; 0: it is not blocked."""
        self.attempted: list[str] = []
        self.may_end = asyncio.Event()
        self.runner: Runner

    async def domains(self, now: int, after: DueDomain, limit: int) -> list[DueDomain]:
        self.looks += 1
        return [DueDomain("far.example", 0)] if self.stored and after.due < 0 else []

    async def ids(self, page: DuePage, claimed: frozenset[str]) -> list[str]:
        return [entry for entry in self.stored if entry not in claimed]

    async def mails(self, ids: Sequence[str], page: DuePage) -> list[ReadyMail]:
        self.read += [(entry, self.runner.is_claimed(entry)) for entry in ids]
        return grouped([QueueEntry(queued(entry), 0, 0, 0) for entry in ids if entry not in self.closed], 100)

    async def next_time(self, now: int) -> int | None:
        return now

    async def to_release(self, now: int, limit: int) -> list[QueueEntry]:
        return []

    async def of(self, mail: ReadyMail) -> Route:
        if self.route_error is not None:
            raise self.route_error
        return Route(HOP, HopLimits(), Sending())

    async def attempt(self, state: HopState, mail: ReadyMail, on_room: object) -> None:
        self.attempted += mail.ids
        if self.blocks_until:
            note_failure(state, self.blocks_until)
        await self.may_end.wait()
        if self.attempt_error is not None:
            raise self.attempt_error


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    """The parts of a runner that sends one mail at a time."""
    made = Parts()
    doubles = cast(Any, made)
    settings = OutboundSettings(attempts_at_once=1)
    made.runner = Runner(doubles, doubles, doubles, doubles, settings, FixedClock())
    yield made
    made.may_end.set()
    await made.runner.stop()


def commit(parts: Parts, *events: Event) -> None:
    parts.runner.committed([recorded(event) for event in events])


async def test_a_pause_ends_the_claims_of_what_is_not_begun(parts: Parts) -> None:
    commit(parts, queued("1"), queued("2"), queued("3"))
    await until_true(lambda: parts.attempted == ["1"])
    assert [parts.runner.is_claimed(entry) for entry in "123"] == [True, True, True]
    parts.is_paused = True
    commit(parts, OutboundPaused("the disk is replaced"))
    assert [parts.runner.is_claimed(entry) for entry in "123"] == [True, False, False]
    parts.may_end.set()
    await until_true(lambda: not parts.runner.is_claimed("1"))
    assert parts.attempted == ["1"]


async def test_what_a_pause_left_is_sent_after_it(parts: Parts) -> None:
    commit(parts, queued("1"), queued("2"))
    await until_true(lambda: parts.attempted == ["1"])
    parts.is_paused = True
    commit(parts, OutboundPaused())
    parts.may_end.set()
    parts.stored = ["2"]
    parts.runner.start()
    parts.is_paused = False
    commit(parts, OutboundResumed())
    await until_true(lambda: "2" in parts.attempted)


async def test_an_unexpected_error_of_a_route_leaves_no_claim(parts: Parts) -> None:
    parts.route_error = ValueError("a key that cannot be read")
    commit(parts, queued("1"))
    assert parts.runner.is_claimed("1")
    await until_true(lambda: not parts.runner.is_claimed("1"))
    assert parts.attempted == []


async def test_an_attempt_with_an_unexpected_error_is_not_repeated_at_once(parts: Parts) -> None:
    parts.attempt_error = RuntimeError("a fault of ours")
    parts.stored = ["1"]
    parts.may_end.set()
    parts.runner.start()
    await until_true(lambda: parts.looks >= 4)
    assert parts.attempted == ["1"]
    assert not parts.runner.is_claimed("1")


async def test_due_entries_are_claimed_before_they_are_read(parts: Parts) -> None:
    parts.stored, parts.closed = ["1", "2"], {"1"}
    parts.runner.start()
    await until_true(lambda: parts.attempted == ["2"])
    assert parts.read[:2] == [("1", True), ("2", True)]
    assert not parts.runner.is_claimed("1")


async def test_an_operator_may_test_a_destination_that_is_left_alone(parts: Parts) -> None:
    parts.blocks_until = FixedClock().monotonic() + 600
    parts.stored = ["1"]
    parts.may_end.set()
    parts.runner.start()
    await until_true(lambda: parts.looks >= 4)
    assert parts.attempted == ["1"]
    commit(parts, OutboundRescheduled("1", "q1", 0))
    await until_true(lambda: parts.attempted == ["1", "1"])
