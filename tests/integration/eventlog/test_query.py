"""Queries of the whole log, the live tail and the report, over gRPC."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.events import directory
from shared.eventstore.event import Actor
from shared.grpc.errors import Invalid, NotFound
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from tests.integration.eventlog.events import DELIVERED, QUEUE_ID, deliver
from tests.integration.eventlog.installation import Installation
from tests.parts.nats import NatsServer

OPERATOR = Actor("operator", "root")


async def test_by_type_area_and_service(installation: Installation) -> None:
    await deliver(installation)
    await installation.followed()
    assert [event.type for event in await installation.query(type="delivery.planned")] == ["delivery.planned"]
    assert [event.type for event in await installation.query(type="mail.")] == [
        "mail.settled",
        "mail.classified",
        "mail.received",
    ]
    assert [event.type for event in await installation.query(type="mail.", service="ingress")] == [
        "mail.settled",
        "mail.received",
    ]
    assert await installation.query(type="mail.unheard_of") == []


async def test_by_address_id_and_word(installation: Installation) -> None:
    await deliver(installation)
    await installation.write("directory", "domain:d1", directory.DomainAdded("d1", "example.org"), actor=OPERATOR)
    await installation.followed()
    assert [event.type for event in await installation.query(text="ANN@example.org")] == [
        "message.delivered",
        "delivery.planned",
        "mail.received",
    ]
    assert [event.type for event in await installation.query(text="192.0.2.7", type="mail.received")] == [
        "mail.received"
    ]
    assert [event.type for event in await installation.query(text="grüße")] == ["mail.received"]
    assert [event.type for event in await installation.query(text="root")] == ["domain.added"]
    assert await installation.query(text="no such word") == []


async def test_pages_backwards_and_by_time(installation: Installation) -> None:
    await deliver(installation)
    await installation.followed()
    everything = await installation.query()
    assert [event.type for event in everything] == DELIVERED[::-1]
    first = await installation.query(limit=4)
    rest = await installation.query(limit=4, before=first[-1].id)
    assert [event.id for event in [*first, *rest]] == [event.id for event in everything]
    middle = everything[2].at
    assert [event.id for event in await installation.query(since=middle)] == [event.id for event in everything[:3]]
    assert [event.id for event in await installation.query(until=middle, text=QUEUE_ID)] == [
        event.id for event in everything[3:]
    ]


async def test_questions_that_cannot_be_answered(installation: Installation) -> None:
    with pytest.raises(Invalid):
        await installation.query(service="kitchen")
    with pytest.raises(NotFound):
        await installation.query(before="ingress.3.77")


async def test_the_tail_shows_what_was_and_what_comes(installation: Installation) -> None:
    await deliver(installation)
    await installation.followed()
    seen: list[str] = []

    async def look() -> None:
        async for batch in installation.log.Tail(pb.TailRequest(type="mail.", backlog=1)):
            seen.extend(f"{event.type} {event.queue_id}" for event in batch.events)
            if len(seen) == 1:
                await deliver(installation, "q0002", uid=2)
            if len(seen) == 4:
                return

    async with asyncio.timeout(60):
        await look()
    assert seen[0] == "mail.settled q0001"
    assert sorted(seen[1:]) == ["mail.classified q0002", "mail.received q0002", "mail.settled q0002"]


async def test_the_tail_says_at_once_that_it_misses_nothing(installation: Installation) -> None:
    tail = installation.log.Tail(pb.TailRequest(type="mail.received"))
    async with asyncio.timeout(60):
        assert (await anext(aiter(tail))).events == []
        await deliver(installation)
        assert [event.queue_id for event in (await anext(aiter(tail))).events] == ["q0001"]


async def test_the_report_counts_and_knows_of_no_lag(installation: Installation) -> None:
    await deliver(installation)
    await installation.followed()
    report = await installation.report()
    assert report.counts["events"] == 6
    assert dict(report.lag) == dict.fromkeys(
        ("directory", "ingress", "classifier", "delivery", "mailstore", "outbound"), 0
    )
    assert report.state == ""


async def test_a_restart_goes_on_where_the_log_stood(tmp_path: Path, store_url: str, nats_server: NatsServer) -> None:
    for round_number in (1, 2):
        running = Installation(tmp_path / "data", nats_server.url, store_url, {})
        await running.start()
        await deliver(running, f"q{round_number}", uid=round_number)
        await running.followed()
        assert (await running.report()).counts["events"] == 6 * round_number
        assert await running.trace(f"q{round_number}") == DELIVERED
        await running.stop()
