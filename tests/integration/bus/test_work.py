"""Events are published, handled, repeated, and become dead letters."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from shared.bus.attempt import TRIES_BEFORE_GIVEN_BACK
from shared.bus.bus import Bus
from shared.bus.errors import BusRefused, BusUnavailable
from shared.bus.subjects import (
    CLASSIFIER_RECEIVED,
    DELIVERY_SUBMITTED,
    INGRESS_SETTLED,
    MAIL,
    RECEIVED,
    SETTLED,
    SUBMITTED,
)
from shared.grpc.errors import Unavailable
from tests.harness.waiting import until_true
from tests.harness.work import LineCount
from tests.integration.bus.on_bus import Inbox, connected, held, info, observer
from tests.parts.nats import NatsServer

LINES_OF_A_MESSAGE = 1000
"""Lines of Python for a message; 736 with Python 3.11."""


async def _is_empty(server: NatsServer) -> bool:
    return await held(server, MAIL) == 0


async def test_an_event_is_handled_once_and_then_removed(bus: Bus, nats_server: NatsServer) -> None:
    inbox = Inbox()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(3), "e1", b"fact")
    await until_true(lambda: inbox.taken == [(b"fact", 1)])
    await until_true(lambda: _is_empty(nats_server))


async def test_events_published_before_anybody_works_wait(bus: Bus) -> None:
    for shard in range(16):
        await bus.publish(RECEIVED.on(shard), f"e{shard}", b"%d" % shard)
    inbox = Inbox()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await until_true(lambda: sorted(inbox.finished) == sorted(b"%d" % shard for shard in range(16)))


async def test_each_durable_takes_its_event_alone(bus: Bus) -> None:
    submitted, settled = Inbox(), Inbox()
    bus.work(DELIVERY_SUBMITTED, submitted.handle, submitted.bury)
    bus.work(INGRESS_SETTLED, settled.handle, settled.bury)
    await asyncio.gather(bus.publish(SUBMITTED.on(0), "a", b"submitted"), bus.publish(SETTLED.on(0), "b", b"settled"))
    await until_true(lambda: (submitted.finished, settled.finished) == ([b"submitted"], [b"settled"]))


async def test_a_repeated_id_is_confirmed_and_not_stored_again(bus: Bus, nats_server: NatsServer) -> None:
    await asyncio.gather(*(bus.publish(RECEIVED.on(1), "same", b"fact") for _ in range(5)))
    assert await held(nats_server, MAIL) == 1


async def test_without_an_id_it_is_stored_each_time(bus: Bus, nats_server: NatsServer) -> None:
    await asyncio.gather(*(bus.publish(RECEIVED.on(1), "", b"fact") for _ in range(5)))
    assert await held(nats_server, MAIL) == 5


async def test_many_at_once_are_all_confirmed(bus: Bus, nats_server: NatsServer) -> None:
    await asyncio.gather(*(bus.publish(RECEIVED.on(number % 16), f"e{number}", b"fact") for number in range(3000)))
    assert await held(nats_server, MAIL) == 3000


async def test_a_failure_is_repeated_with_its_count_until_it_succeeds(bus: Bus, nats_server: NatsServer) -> None:
    inbox = Inbox()
    inbox.error = OSError("not now")
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await until_true(lambda: len(inbox.taken) >= 2)
    inbox.error = None
    await until_true(lambda: inbox.finished == [b"fact"])
    assert [count for _, count in inbox.taken] == list(range(1, len(inbox.taken) + 1))
    await until_true(lambda: _is_empty(nats_server))
    assert not inbox.buried


async def test_what_fails_too_often_is_buried_once_and_never_terminated(nats_server: NatsServer) -> None:
    """FastStream's default policy would terminate it at the first error, and the event would be lost."""
    inbox = Inbox()
    inbox.error = RuntimeError("never")
    terminated: list[Msg] = []

    async def note(message: Msg) -> None:
        terminated.append(message)

    async with connected(nats_server, max_attempts=2) as bus, observer(nats_server) as jetstream:
        await jetstream._nc.subscribe("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>", cb=note)
        bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        await bus.publish(RECEIVED.on(0), "e1", b"fact")
        await until_true(lambda: inbox.buried == [(b"fact", inbox.error)])
        await until_true(lambda: _is_empty(nats_server))
    assert [count for _, count in inbox.taken] == [1, 2]
    assert inbox.attempts == [2]
    assert not terminated


async def test_no_more_run_at_once_than_asked(bus: Bus) -> None:
    inbox = Inbox()
    for number in range(40):
        inbox.gate(b"%d" % number)
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury, concurrency=7)
    await asyncio.gather(*(bus.publish(RECEIVED.on(0), f"e{number}", b"%d" % number) for number in range(40)))
    await until_true(lambda: inbox.running == 7)
    for gate in inbox.gates.values():
        gate.set()
    await until_true(lambda: len(inbox.finished) == 40)
    assert inbox.most_running == 7


async def test_a_long_handler_keeps_its_message(nats_server: NatsServer) -> None:
    """One of two workers runs it and reports progress, so the other does not get it after `ack_wait_seconds`."""
    inbox = Inbox()
    gate = inbox.gate(b"long")
    async with (
        connected(nats_server, ack_wait_seconds=1.0) as entry,
        connected(nats_server, ack_wait_seconds=1.0) as other,
    ):
        for bus in (entry, other):
            bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
        await entry.publish(RECEIVED.on(0), "e1", b"long")
        enough = time.monotonic() + 3.0
        await until_true(lambda: time.monotonic() > enough)
        assert inbox.taken == [(b"long", 1)]
        gate.set()
        await until_true(lambda: _is_empty(nats_server))


async def test_two_processes_share_the_work(nats_server: NatsServer) -> None:
    first, second = Inbox(), Inbox()
    payloads = [b"%d" % number for number in range(100)]
    gates = [inbox.gate(payload) for inbox in (first, second) for payload in payloads]
    async with connected(nats_server) as entry, connected(nats_server) as other:
        entry.work(CLASSIFIER_RECEIVED, first.handle, first.bury, concurrency=10)
        other.work(CLASSIFIER_RECEIVED, second.handle, second.bury, concurrency=10)
        await asyncio.gather(*(entry.publish(RECEIVED.on(0), f"e{payload!r}", payload) for payload in payloads))
        await until_true(lambda: first.running == 10 and second.running == 10)
        for gate in gates:
            gate.set()
        await until_true(lambda: len(first.finished) + len(second.finished) == 100)
    assert sorted(first.finished + second.finished) == sorted(payloads)


async def test_a_stop_lets_the_running_finish(bus: Bus, nats_server: NatsServer) -> None:
    inbox = Inbox()
    gate = inbox.gate(b"fact")
    worker = bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await until_true(lambda: inbox.running == 1)
    stopping = asyncio.create_task(worker.stop())
    await bus.publish(RECEIVED.on(0), "e2", b"later")
    assert not stopping.done()
    gate.set()
    await stopping
    assert (inbox.finished, inbox.running) == ([b"fact"], 0)
    await until_true(lambda: _holds(nats_server, 1))


async def _holds(server: NatsServer, count: int) -> bool:
    return await held(server, MAIL) == count


async def test_what_does_not_finish_in_time_goes_to_another_at_once(nats_server: NatsServer) -> None:
    stuck, other = Inbox(), Inbox()
    stuck.gate(b"fact")
    async with connected(nats_server, drain_seconds=0.01) as bus:
        bus.work(CLASSIFIER_RECEIVED, stuck.handle, stuck.bury)
        await bus.publish(RECEIVED.on(0), "e1", b"fact")
        await until_true(lambda: stuck.running == 1)
    async with connected(nats_server) as bus:
        bus.work(CLASSIFIER_RECEIVED, other.handle, other.bury)
        await until_true(lambda: other.taken == [(b"fact", 2)], seconds=25)  # an unanswered one waits 30


async def test_what_is_unavailable_is_given_back_to_its_sender(bus: Bus, nats_server: NatsServer) -> None:
    """It becomes no dead letter and does not block other messages; the sender publishes it again."""
    inbox = Inbox()
    inbox.error = Unavailable("away")
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await until_true(lambda: len(inbox.taken) == TRIES_BEFORE_GIVEN_BACK)
    await until_true(lambda: _is_empty(nats_server))
    inbox.error = None
    await bus.publish(RECEIVED.on(0), "e1:1", b"fact")
    await until_true(lambda: inbox.finished == [b"fact"])
    assert (inbox.taken[-1][1], inbox.buried) == (1, [])


async def test_too_large_an_event_is_refused_at_once(bus: Bus) -> None:
    with pytest.raises(BusRefused, match="MaxPayload"):
        await bus.publish(RECEIVED.on(0), "e1", bytes(2_000_000))


async def test_an_event_that_is_too_large_with_its_header_harms_no_other(bus: Bus) -> None:
    """The server closes the connection of a client that sends more than the limit.

    nats-py does not count the header, so one such mail disconnected its whole process at each of its repeats.
    """
    connections: list[None] = []

    async def note() -> None:
        connections.append(None)

    bus.on_connected(note)
    await until_true(lambda: len(connections) == 1)
    for octets in (0, 10, 40, 60, 80):
        with contextlib.suppress(BusRefused):
            await bus.publish(RECEIVED.on(0), f"e{octets}", bytes(1024 * 1024 - octets))
    await bus.publish(RECEIVED.on(0), "small", b"fact")
    assert (len(connections), bus.connected) == (1, True)


async def test_an_event_above_the_limit_of_its_stream_is_refused_for_good(bus: Bus, nats_server: NatsServer) -> None:
    async with observer(nats_server) as jetstream:
        config = (await jetstream.stream_info(MAIL.name)).config
        await jetstream.update_stream(config.evolve(max_msg_size=1000))
        with pytest.raises(BusRefused, match="message size exceeds"):
            await bus.publish(RECEIVED.on(0), "e1", bytes(2000))


async def test_without_permission_a_publish_is_refused_for_good(tmp_path: Path) -> None:
    permissions = (
        'authorization { users = [{user: u, password: p, permissions: {publish: {deny: "mail.received.>"}}}] }'
    )
    with NatsServer(config=permissions) as server:
        async with connected(server, user="u", password="p") as bus:
            with pytest.raises(BusRefused, match="no permission"):
                await bus.publish(RECEIVED.on(0), "e1", b"fact")
            await bus.publish(SUBMITTED.on(0), "e1", b"fact")


async def test_a_full_stream_is_waited_for(bus: Bus, nats_server: NatsServer) -> None:
    """A full stream is unavailable, not a refusal, so no message becomes a dead letter."""
    async with observer(nats_server) as jetstream:
        config = (await jetstream.stream_info(MAIL.name)).config
        await jetstream.update_stream(config.evolve(max_bytes=1000))
        with pytest.raises(BusUnavailable, match="maximum bytes"):
            await bus.publish(RECEIVED.on(0), "e1", bytes(2000))


async def test_the_backlog_is_known_by_kind_and_size(bus: Bus) -> None:
    await asyncio.gather(*(bus.publish(RECEIVED.on(number % 16), f"e{number}", bytes(1000)) for number in range(40)))
    await bus.publish(SUBMITTED.on(3), "s", b"fact")
    backlog = await bus.backlog()
    assert backlog is not None
    assert dict(backlog.waiting) == {RECEIVED.type: 40, SUBMITTED.type: 1}
    assert 40_000 < backlog.filled * MAIL.max_bytes < 80_000


async def test_an_undeclared_event_is_refused_in_time(nats_server: NatsServer) -> None:
    async with connected(nats_server, publish_timeout_seconds=0.5) as bus:
        with pytest.raises(BusUnavailable):
            await bus.publish("mail.invented.0", "e1", b"fact")


async def test_a_closed_bus_refuses(nats_server: NatsServer) -> None:
    async with connected(nats_server) as bus:
        pass
    with pytest.raises(BusUnavailable, match="closed"):
        await bus.publish(RECEIVED.on(0), "e1", b"fact")
    bus.ring("doorbell.log")


async def test_the_server_has_what_is_declared(bus: Bus, nats_server: NatsServer) -> None:
    config = (await info(nats_server, CLASSIFIER_RECEIVED)).config
    assert (config.filter_subject, config.max_deliver) == (RECEIVED.pattern, -1)
    assert str(config.ack_policy) in ("explicit", "AckPolicy.EXPLICIT")


async def test_a_message_costs_little(bus: Bus) -> None:
    """Counts lines of Python for publish, pull, handle and acknowledge."""
    inbox = Inbox()
    bus.work(CLASSIFIER_RECEIVED, inbox.handle, inbox.bury)
    count = 1000
    with LineCount() as lines:
        await asyncio.gather(*(bus.publish(RECEIVED.on(0), f"e{number}", b"fact" * 80) for number in range(count)))
        await until_true(lambda: len(inbox.finished) == count)
    assert lines.count / count < LINES_OF_A_MESSAGE
