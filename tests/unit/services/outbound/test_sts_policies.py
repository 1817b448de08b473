"""When a policy is looked at, fetched, kept and forgotten, on a real store with a clock of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy

from services.outbound.domain.sts import StsFetchFailed
from services.outbound.handlers.sts_policies import StsPolicies
from services.outbound.projections.transport_security import TransportSecurityProjection
from shared.clock import FixedClock
from shared.events.outbound import HostAttempt as Host
from shared.events.outbound import OutboundDelivered, OutboundStsPolicyFailed, SendingAttempt
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.protocol.dns.question import Answer, Question
from shared.protocol.mta_sts.policy import StsPolicy

DAY = 86_400
ENFORCE = StsPolicy("enforce", ("mx.far.example", "*.far.example"), 10 * DAY)


class Domain:
    """A domain's record and policy, as a resolver and a fetcher see them."""

    def __init__(self) -> None:
        self.record = Answer("ok", ("v=STSv1; id=1;",))
        self.policy: StsPolicy | None = ENFORCE
        self.looks = 0
        self.fetches = 0

    async def ask(self, question: Question) -> Answer:
        assert question == Question("_mta-sts.far.example", "TXT")
        self.looks += 1
        return self.record

    async def fetch(self, domain: str) -> StsPolicy:
        assert domain == "far.example"
        self.fetches += 1
        await asyncio.sleep(0)
        if self.policy is None:
            raise StsFetchFailed("sts-policy-fetch-error", "the answer has the status 404")
        return self.policy


class World:
    """The policies of a process, over a store that outlives it."""

    def __init__(self, store: EventStore, clock: FixedClock) -> None:
        self.store = store
        self.clock = clock
        self.domain = Domain()
        self.policies = self.restarted()

    def restarted(self) -> StsPolicies:
        return StsPolicies(self.store, self.domain, self.domain.fetch, self.clock)  # type: ignore[arg-type]

    async def mode(self) -> str:
        view = await self.policies.of("far.example")
        return view.policy.mode if view.policy else ("unanswered" if view.is_unanswered else view.problem)

    async def events(self) -> list[Event]:
        return [recorded.event for recorded in await self.store.read_stream("sts/far.example")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, metadata = FixedClock(), sqlalchemy.MetaData()
    backend = SqliteBackend(tmp_path / "outbound.db")
    store = EventStore(backend, metadata, (TransportSecurityProjection(metadata),), clock)
    await store.open()
    yield World(store, clock)
    await store.close()


async def test_a_valid_policy_is_looked_at_daily_and_fetched_when_half_its_age_is_over(world: World) -> None:
    for _ in range(3):
        assert await world.mode() == "enforce"
    assert (world.domain.looks, world.domain.fetches) == (1, 1)
    world.clock.advance(DAY + 1)
    assert await world.mode() == "enforce"
    assert (world.domain.looks, world.domain.fetches) == (2, 1)
    world.clock.advance(5 * DAY)
    assert await world.mode() == "enforce"
    assert (world.domain.looks, world.domain.fetches) == (3, 2)
    assert len(await world.events()) == 2


@pytest.mark.parametrize("record", [Answer("nxdomain"), Answer("temperror"), Answer("ok", ("v=STSv1; id=2",))])
async def test_a_policy_is_kept_until_its_age_ends_whatever_is_said_now(world: World, record: Answer) -> None:
    assert await world.mode() == "enforce"
    world.domain.record, world.domain.policy = record, None
    world.clock.advance(9 * DAY)
    assert await world.mode() == "enforce"
    world.policies = world.restarted()
    assert await world.mode() == "enforce"
    world.clock.advance(DAY)
    expected = {"nxdomain": "", "temperror": "unanswered", "ok": "sts-policy-fetch-error"}
    assert await world.mode() == expected[record.status]


async def test_a_new_id_brings_a_new_policy(world: World) -> None:
    assert await world.mode() == "enforce"
    world.domain.record = Answer("ok", ("v=STSv1; id=2;",))
    world.domain.policy = StsPolicy("none", (), DAY)
    assert await world.mode() == "enforce"
    view = await world.policies.look_again("far.example")
    assert (view.id, view.policy) == ("2", world.domain.policy)
    world.policies = world.restarted()
    assert await world.mode() == "none"


async def test_a_policy_that_cannot_be_had_is_fetched_seldom_and_recorded_once(world: World) -> None:
    world.domain.policy = None
    for _ in range(5):
        assert await world.mode() == "sts-policy-fetch-error"
    assert world.domain.fetches == 1
    world.clock.advance(301)
    assert await world.mode() == "sts-policy-fetch-error"
    assert world.domain.fetches == 2
    reason = "the answer has the status 404"
    assert await world.events() == [
        OutboundStsPolicyFailed("far.example", "1", "sts-policy-fetch-error", reason),
    ]
    world.clock.advance(301)
    world.domain.policy = ENFORCE
    assert await world.mode() == "enforce"


async def test_a_policy_without_an_age_is_not_fetched_for_every_mail(world: World) -> None:
    world.domain.policy = StsPolicy("enforce", ("mx.far.example",), 0)
    for _ in range(5):
        assert await world.mode() == ""
    assert (world.domain.fetches, len(await world.events())) == (1, 1)
    world.clock.advance(301)
    assert await world.mode() == ""
    assert world.domain.fetches == 2


async def test_without_the_store_a_policy_is_used_all_the_same(world: World) -> None:
    async def write(work: object) -> None:
        raise StoreUnavailable("the disk is full")

    world.store.write = write  # type: ignore[assignment]
    assert await world.mode() == "enforce"
    assert await world.mode() == "enforce"
    assert world.domain.fetches == 1


async def test_many_mails_wait_for_a_single_fetch(world: World) -> None:
    modes = await asyncio.gather(*(world.mode() for _ in range(50)))
    assert (set(modes), world.domain.looks, world.domain.fetches) == ({"enforce"}, 1, 1)


async def test_connections_are_counted_by_day_domain_policy_and_result(world: World) -> None:
    success = Host("mx.far.example", policy_type="sts", tls_result="success")
    failure = Host("mx.far.example", policy_type="sts", tls_result="certificate-expired")
    uncounted = Host("mx.far.example")
    at = world.clock.now()

    def deliver(number: int, day: int, *hosts: Host) -> None:
        attempt = SendingAttempt(1, at + day * DAY * 1_000_000, "mx far.example", hosts)
        event = OutboundDelivered(f"e{number}", "q1", "bob@far.example", attempt)
        deliveries.append((f"e{number}", event))

    deliveries: list[tuple[str, Event]] = []
    deliver(1, 0, failure, success)
    deliver(2, 0, success, uncounted)
    deliver(3, 1, success)
    provenance = Provenance(Actor("service", "outbound"))
    for stream, event in deliveries:
        await world.store.write(
            lambda transaction, stream=stream, event=event: transaction.append(stream, [event], provenance)
        )
    rows = await world.store.read(lambda reader: reader.all("SELECT * FROM tls_result ORDER BY day, result_type"))
    assert [tuple(row) for row in rows] == [
        ("2023-11-14", "far.example", "sts", "certificate-expired", 1),
        ("2023-11-14", "far.example", "sts", "success", 2),
        ("2023-11-15", "far.example", "sts", "success", 1),
    ]
    assert (await world.store.verify()).differences == ()
