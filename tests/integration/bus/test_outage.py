"""The bus server stops, returns and loses its data: this causes delays, and nothing that is repeated is lost."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import resource
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared.bus.bus import Bus
from shared.bus.declare import consumer_config
from shared.bus.errors import BusUnavailable
from shared.bus.settings import BusSettings
from shared.bus.subjects import (
    CLASSIFIER_RECEIVED,
    DOORBELL_LOG,
    MAIL,
    RECEIVED,
    SETTLED,
    store_doorbell,
    store_doorbell_pattern,
)
from tests.harness.waiting import until_true
from tests.harness.work import LineCount
from tests.integration.bus.on_bus import Inbox, connected, held, info, observer
from tests.parts.nats import NatsServer

_IDLE_SECONDS = 3.0
_IDLE_LINES = 20_000
"""Calls; a busy loop would make millions in that time."""


class Calls:
    """Counts the calls of `on_connected`."""

    def __init__(self) -> None:
        self.count = 0

    async def connected(self) -> None:
        self.count += 1


async def test_a_wiped_server_under_an_idle_system_is_no_loss_and_no_load(bus: Bus, nats_server: NatsServer) -> None:
    """FastStream's pull subscribers did not recover from this, and used the CPU in a busy loop."""
    inbox, calls = Inbox(), Calls()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    bus.on_connected(calls.connected)
    await until_true(lambda: calls.count == 1)
    await bus.publish(RECEIVED.on(0), "e1", b"before")
    await until_true(lambda: inbox.finished == [b"before"])
    nats_server.kill()
    nats_server.wipe()
    await until_true(lambda: calls.count == 2)
    await bus.publish(RECEIVED.on(0), "e2", b"after")
    await until_true(lambda: inbox.finished == [b"before", b"after"])
    with LineCount() as lines:
        await asyncio.sleep(_IDLE_SECONDS)
    assert lines.count < _IDLE_LINES


async def test_a_start_without_a_server_goes_on_and_connects_later(nats_server: NatsServer) -> None:
    nats_server.stop()
    inbox, calls = Inbox(), Calls()
    async with connected(nats_server, connect_wait_seconds=0.1) as bus:
        assert not bus.connected
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        bus.on_connected(calls.connected)
        await bus.listen(DOORBELL_LOG, lambda _subject, payload: inbox.finished.append(payload))
        nats_server.start()
        await bus.publish(RECEIVED.on(0), "e1", b"fact")
        bus.ring(DOORBELL_LOG, b"ring")
        await until_true(lambda: sorted(inbox.finished) == [b"fact", b"ring"])
        assert (bus.connected, calls.count) == (True, 1)


async def test_a_publish_without_a_server_fails_within_its_bound(nats_server: NatsServer) -> None:
    async with connected(nats_server, publish_timeout_seconds=0.3) as bus:
        nats_server.kill()
        results = await asyncio.gather(
            *(bus.publish(RECEIVED.on(0), f"e{number}", b"x") for number in range(50)), return_exceptions=True
        )
        assert all(isinstance(result, BusUnavailable) for result in results)
        bus.ring(DOORBELL_LOG)


async def test_publishes_do_not_pile_up_without_end(nats_server: NatsServer) -> None:
    async with connected(nats_server, publish_timeout_seconds=30.0, max_waiting_publishes=3) as bus:
        nats_server.kill()
        await until_true(lambda: not bus.connected)
        waiting = [asyncio.ensure_future(bus.publish(RECEIVED.on(0), f"e{number}", b"x")) for number in range(3)]
        await asyncio.sleep(0)  # they begin to publish
        with pytest.raises(BusUnavailable, match="3 publishes wait"):
            await bus.publish(RECEIVED.on(0), "one too many", b"x")
        waiting[0].cancel()
        nats_server.start()
        assert await asyncio.gather(*waiting[1:]) == [None, None]


async def test_what_was_published_into_an_outage_arrives(nats_server: NatsServer) -> None:
    inbox = Inbox()
    async with connected(nats_server, publish_timeout_seconds=20.0) as bus:
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        early = [
            asyncio.ensure_future(bus.publish(RECEIVED.on(0), f"a{number}", b"a%d" % number)) for number in range(200)
        ]
        await asyncio.sleep(0)
        nats_server.kill()
        late = [
            asyncio.ensure_future(bus.publish(RECEIVED.on(0), f"b{number}", b"b%d" % number)) for number in range(200)
        ]
        nats_server.start()
        await asyncio.gather(*early, *late)
        await until_true(lambda: len(set(inbox.finished)) == 400)


async def test_listeners_receive_doorbells_of_others_after_a_reconnect(bus: Bus, nats_server: NatsServer) -> None:
    heard: list[bytes] = []
    calls = Calls()
    await bus.listen(DOORBELL_LOG, lambda _subject, payload: heard.append(payload))
    bus.on_connected(calls.connected)
    nats_server.kill()
    nats_server.start()
    await until_true(lambda: calls.count == 2)
    async with connected(nats_server) as other:
        other.ring(DOORBELL_LOG, b"1")
        await until_true(lambda: heard == [b"1"])


async def test_a_doorbell_reaches_its_own_process_without_a_server(bus: Bus, nats_server: NatsServer) -> None:
    heard: list[tuple[str, bytes]] = []
    await bus.listen(store_doorbell_pattern("mailstore"), lambda subject, payload: heard.append((subject, payload)))
    nats_server.kill()
    await until_true(lambda: not bus.connected)
    bus.ring(store_doorbell("mailstore", 3), b"7")
    await until_true(lambda: heard == [("doorbell.mailstore.3", b"7")])


async def test_a_deleted_stream_is_declared_again(bus: Bus, nats_server: NatsServer) -> None:
    inbox = Inbox()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(0), "e1", b"1")
    await until_true(lambda: inbox.finished == [b"1"])
    async with observer(nats_server) as jetstream:
        await jetstream.delete_stream(MAIL.name)
    await bus.publish(RECEIVED.on(0), "e2", b"2")
    await until_true(lambda: inbox.finished == [b"1", b"2"])


async def test_a_deleted_durable_is_declared_again(bus: Bus, nats_server: NatsServer) -> None:
    inbox = Inbox()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(0), "e1", b"1")
    await until_true(lambda: inbox.finished == [b"1"])
    async with observer(nats_server) as jetstream:
        await jetstream.delete_consumer(MAIL.name, CLASSIFIER_RECEIVED.name)
    await bus.publish(RECEIVED.on(0), "e2", b"2")
    await until_true(lambda: inbox.finished == [b"1", b"2"])


async def test_an_answer_to_a_wiped_server_confirms_nothing(bus: Bus, nats_server: NatsServer) -> None:
    """The sequence numbers begin again at one: the old message's answer must not confirm the new message of that
    number."""
    inbox, calls = Inbox(), Calls()
    old, new = inbox.gate(b"old"), inbox.gate(b"new")
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    bus.on_connected(calls.connected)
    await bus.publish(RECEIVED.on(0), "e1", b"old")
    await until_true(lambda: inbox.running == 1)
    nats_server.kill()
    nats_server.wipe()
    await until_true(lambda: calls.count == 2)
    await bus.publish(RECEIVED.on(0), "e2", b"new")
    await until_true(lambda: inbox.running == 2)
    old.set()
    await until_true(lambda: inbox.finished == [b"old"])
    await bus.publish(SETTLED.on(0), "e3", b"")  # a confirmation arrives after the server has read what was sent before
    assert (await info(nats_server, CLASSIFIER_RECEIVED)).num_ack_pending == 1
    assert await held(nats_server, MAIL) == 2
    new.set()
    await until_true(lambda: inbox.finished == [b"old", b"new"])


async def test_an_outage_is_logged_once(nats_server: NatsServer) -> None:
    with capture_logs() as logs:
        async with connected(nats_server, publish_timeout_seconds=1.5) as bus:
            nats_server.kill()
            with pytest.raises(BusUnavailable):
                await bus.publish(RECEIVED.on(0), "e1", b"x")
            nats_server.start()
            await until_true(lambda: bus.connected)
    assert [entry["event"] for entry in logs].count("bus.unavailable") == 1
    assert len(logs) <= 5


async def test_a_bus_without_a_url_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="url"):
        await Bus.connect(BusSettings(), "test")


async def test_a_stream_that_a_full_disk_has_stopped_is_made_anew(nats_server: NatsServer) -> None:
    """nats-server remembers the failed write: its stream confirms nothing until it is deleted, even with free space."""
    inbox = Inbox()
    async with connected(nats_server, publish_timeout_seconds=0.3) as bus:
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        await bus.publish(RECEIVED.on(0), "e1", b"before")
        await until_true(lambda: inbox.finished == [b"before"])
        with no_room(nats_server), pytest.raises(BusUnavailable):
            await bus.publish(RECEIVED.on(0), "e2", b"x" * 500_000)
        with pytest.raises(BusUnavailable):
            await bus.publish(RECEIVED.on(0), "e3", b"there is room again")
        await until_true(lambda: _published(bus, b"after"))
        await until_true(lambda: inbox.finished[-1] == b"after")


@contextlib.contextmanager
def no_room(server: NatsServer) -> Iterator[None]:
    """No file of the server may grow."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


async def _published(bus: Bus, payload: bytes) -> bool:
    try:
        await bus.publish(RECEIVED.on(0), "", payload)
    except BusUnavailable:
        return False
    return True


async def test_a_durable_of_an_earlier_release_is_made_anew_and_its_messages_stay(nats_server: NatsServer) -> None:
    inbox = Inbox()
    async with connected(nats_server) as bus:
        await bus.publish(RECEIVED.on(0), "e1", b"fact")
    async with observer(nats_server) as jetstream:
        await jetstream.delete_consumer(MAIL.name, CLASSIFIER_RECEIVED.name)
        kept_in_a_file = dataclasses.replace(consumer_config(CLASSIFIER_RECEIVED, 30.0), mem_storage=False)
        await jetstream.add_consumer(MAIL.name, kept_in_a_file)
    async with connected(nats_server) as bus:
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        await until_true(lambda: inbox.finished == [b"fact"])
    assert (await info(nats_server, CLASSIFIER_RECEIVED)).config.mem_storage


async def test_what_was_acknowledged_does_not_come_again_after_a_restart(nats_server: NatsServer) -> None:
    inbox = Inbox()
    async with connected(nats_server) as bus:
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        await bus.publish(RECEIVED.on(0), "e1", b"done")
        await until_true(lambda: _is_empty(nats_server))
        nats_server.kill()
        nats_server.start()
        await bus.publish(RECEIVED.on(0), "e2", b"next")
        await until_true(lambda: b"next" in inbox.finished)
    assert inbox.finished == [b"done", b"next"]


async def _is_empty(nats_server: NatsServer) -> bool:
    return await held(nats_server, MAIL) == 0
