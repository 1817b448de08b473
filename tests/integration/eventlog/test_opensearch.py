"""The copy of the log in OpenSearch through everything that may happen to it; the answers stay right meanwhile."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.event_stream import EventStream
from services.eventlog.domain.charts import HOUR
from services.eventlog.domain.log_id import LAST
from services.eventlog.domain.question import LogQuestion
from services.eventlog.handlers.retention import Retention, RetentionLimits
from services.eventlog.handlers.search_port import EventRange
from shared.clock import FixedClock
from shared.erasure.former_addresses import FormerAddress, FormerAddresses
from shared.erasure.log_erasure import Erased
from shared.erasure.mail_marks import MailMarks, hash_of
from shared.eventstore.connection import Connection
from shared.grpc.errors import Invalid
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.errors import OpenSearchMissing
from shared.opensearch.settings import OpenSearchSettings
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from tests.contract.eventlog.asked_log import AskedLog, write_story
from tests.harness.waiting import until_true
from tests.integration.eventlog.events import deliver, received
from tests.parts import nats, opensearch
from tests.parts.opensearch import OpenSearchServer
from tests.parts.required import needs

_DAY = 86_400_000_000


@pytest.fixture(scope="module")
def own_server() -> Iterator[OpenSearchServer]:
    """A server that the tests of this file may kill and wipe."""
    needs(opensearch)
    with OpenSearchServer() as server:
        yield server


class CopiedLog(AskedLog):
    """A log with a copy, and a look at the copy itself."""

    def __init__(self, data: Path, bus_url: str, url: str, prefix: str, engine: str = "opensearch") -> None:
        words = {
            "MAILFOLD_EVENTLOG_ENGINE": engine,
            "MAILFOLD_OPENSEARCH_URLS": url,
            "MAILFOLD_OPENSEARCH_PREFIX": prefix,
            "MAILFOLD_OPENSEARCH_SEARCH_SECONDS": "5",
            "MAILFOLD_EVENTLOG_PRUNE_SECONDS": "1",
        }
        super().__init__(data, bus_url, "", words, engine)
        self.client = OpenSearchClient(OpenSearchSettings(urls=(url,), prefix=prefix))
        self.stream = EventStream(self.client)

    async def start(self) -> None:
        self.client.open()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        await self.client.close()

    async def copied(self) -> int:
        """The documents of the stream; -1 without a stream."""
        try:
            await self.stream.refresh()
            return await self.stream.count({"match_all": {}})
        except OpenSearchMissing:
            return -1

    async def has(self, count: int) -> bool:
        return await self.copied() == count


def send_everything(connection: Connection) -> int:
    return copy_rows.send_span(connection, 0, LAST)


async def newest(log: CopiedLog) -> int:
    """The time of the newest event."""
    return int((await log.log.Query(pb.QueryRequest(limit=1))).events[0].at)


@pytest.fixture
async def log(tmp_path: Path, own_server: OpenSearchServer) -> AsyncIterator[CopiedLog]:
    needs(nats)
    with nats.NatsServer() as bus:
        running = CopiedLog(tmp_path / "data", bus.url, own_server.url, f"test{secrets.token_hex(6)}")
        await running.start()
        yield running
        await running.stop()


async def test_killed_and_wiped_while_events_flow(log: CopiedLog, own_server: OpenSearchServer) -> None:
    """Every question is answered meanwhile; in the end the copy has every event once, and counts the same."""
    flowing = asyncio.create_task(_flow(log))
    await log.ready()
    await asyncio.to_thread(own_server.kill)
    reply = await log.log.Query(pb.QueryRequest(limit=100))
    assert reply.engine == "embedded"
    assert "OpenSearch does not answer" in reply.note
    assert await log.trace("q1")
    await asyncio.to_thread(own_server.wipe)
    await until_true(log._is_copied, seconds=120)
    flowing.cancel()
    await asyncio.wait({flowing})
    await log.ready()
    count = (await log.report()).counts["events"]
    assert await log.copied() == count
    embedded, copied = log.event_log._answers._embedded, log.event_log._answers._copied
    everything = EventRange(limit=100_000)
    assert await copied.events(LogQuestion(), everything) == await embedded.events(LogQuestion(), everything)
    now = await newest(log) + 1
    bars = [await engine.chart(LogQuestion(), now - 2 * HOUR, now, HOUR) for engine in (copied, embedded)]
    by_copy, by_log = ({at: vars(bar) for at, bar in drawn.items()} for drawn in bars)
    assert by_copy == by_log


async def _flow(log: CopiedLog) -> None:
    """A mail every tenth of a second, for some time or until cancelled."""
    for number in range(1, 100):
        await deliver(log, f"q{number}", number, f"m{number}@example.net")
        await asyncio.sleep(0.1)


async def test_a_stream_that_somebody_deleted_is_made_again(log: CopiedLog) -> None:
    await write_story(log)
    await log.ready()
    await log.stream.remove()
    await log.write("ingress", "q9", received("q9"))
    await until_true(lambda: log.has(12))


async def test_what_is_missing_in_the_copy_is_noticed(log: CopiedLog) -> None:
    await write_story(log)
    await log.ready()
    await log.stream.forget({"term": {"type": "mail.received"}})
    assert await log.copied() == 9
    await log.write("ingress", "q9", received("q9"))
    await until_true(lambda: log.has(12))


async def test_a_block_for_want_of_disk_is_said_and_lifted(log: CopiedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await write_story(log)
    await log.ready()
    monkeypatch.setattr("services.eventlog.handlers.retention.lift_block", _not_lifted)
    block = {"index.blocks.read_only_allow_delete": True}
    await log.client.request("PUT", f"/{log.stream.name}/_settings", block)
    await log.write("ingress", "q9", received("q9"))

    async def is_said() -> bool:
        return any("disk" in trouble.what for trouble in (await log.report()).troubles)

    await until_true(is_said)
    assert (await log.report()).counts["not_in_opensearch"] == 1
    assert await log.asked(queue_id="q9") == ["mail.received q9"]

    monkeypatch.undo()
    await until_true(lambda: log.has(12))


async def _not_lifted(*_: object) -> None:
    """The disk stays full."""


async def test_no_event_is_copied_twice_across_a_rollover(log: CopiedLog) -> None:
    await write_story(log)
    await log.ready()
    await log.stream.begin_generation()
    store = log.event_log.store
    await store.write(lambda tx: send_everything(tx.connection))
    log.event_log._copy._is_doubtful = True  # as after a start
    await log.write("ingress", "q9", received("q9"))
    await log.ready()
    assert await log.copied() == 12


async def test_generations_are_rolled_over_and_dropped_by_their_newest_event(log: CopiedLog) -> None:
    await write_story(log)
    await log.ready()
    store, limits = log.event_log.store, RetentionLimits(30, 1, 10**10, 1.0)
    await Retention(store, log.client, FixedClock((await newest(log)) + 29 * _DAY), limits).drop_old()
    assert len(await log.stream.generations()) == 1
    await Retention(store, log.client, FixedClock((await newest(log)) + 31 * _DAY), limits).drop_old()
    assert [generation.newest for generation in await log.stream.generations()] == [0]


async def test_a_copy_of_another_log_is_left_alone(
    tmp_path: Path, log: CopiedLog, nats_server: nats.NatsServer
) -> None:
    await write_story(log)
    await log.ready()
    other = CopiedLog(tmp_path / "other", nats_server.url, log.client.settings.urls[0], log.client.settings.prefix)
    await other.start()
    await write_story(other)
    await other.followed()

    async def is_said() -> bool:
        return any("copy of another log" in trouble.what for trouble in (await other.report()).troubles)

    await until_true(is_said)
    reply = await other.log.Query(pb.QueryRequest(limit=100))
    assert (len(reply.events), reply.engine) == (11, "embedded")
    await other.stop()
    assert await log.copied() == 11


async def test_a_copy_is_made_anew_after_a_time_without_one(
    tmp_path: Path, own_server: OpenSearchServer, nats_server: nats.NatsServer
) -> None:
    prefix = f"test{secrets.token_hex(6)}"
    for number, engine in enumerate(("opensearch", "embedded", "opensearch"), 1):
        running = CopiedLog(tmp_path / "data", nats_server.url, own_server.url, prefix, engine)
        await running.start()
        await write_story(running)
        await running.followed()
        if engine == "opensearch":
            await until_true(partial(running.has, 11 * number))
        await running.stop()


async def test_an_erased_account_is_forgotten_by_the_copy(log: CopiedLog, own_server: OpenSearchServer) -> None:
    await write_story(log)
    await log.ready()
    ann = {"term": {"who": "ann@example.org"}}
    assert await log.stream.count(ann) > 2
    address = FormerAddress("ann@example.org", "", 0, 1 << 60)
    erased = Erased("a1", FormerAddresses("a1", [address]), MailMarks(whole=[hash_of("q1")], part=[hash_of("q2")]))
    own_server.suspend()
    assert "OpenSearch" in await log.event_log._erasure._erase(erased, lambda _count: None)
    own_server.resume()

    async def is_erased() -> bool:
        return not await log.event_log._erasure._erase(erased, lambda _count: None)

    await until_true(is_erased)
    await until_true(log._is_copied)
    assert await log.stream.count(ann) == 0
    assert await log.copied() == len((await log.log.Query(pb.QueryRequest(limit=100))).events) < 11
    assert await log.asked(address="a1@example.org", type="mail.received") == ["mail.received q2"]


async def test_an_admin_of_a_domain_sees_less(log: CopiedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await write_story(log)
    await log.ready()
    asking = log.event_log._answers

    async def of_a_domain(domain: str, method: str) -> bool:
        assert (domain, method.startswith("EventLog/")) == ("example.org", True)
        return False

    monkeypatch.setattr(asking._owners, "sees_everything", of_a_domain)
    (event,) = (await log.log.Query(pb.QueryRequest(domain="example.org", queue_id="q2", type="mail.received"))).events
    assert (event.data, event.actor, list(event.addresses)) == (b"", "", ["ann@example.org"])
    assert "spf fail" in event.results
    with pytest.raises(Invalid, match="admin of a domain"):
        await log.log.Query(pb.QueryRequest(domain="example.org", text="pills"))
    assert (await log.log.Chart(pb.ChartRequest(events=pb.QueryRequest(domain="example.org"), days=True))).bars
