"""Doorbells reach their listeners."""

from __future__ import annotations

from shared.bus.bus import Bus
from shared.bus.subjects import (
    ACCOUNT_DOORBELL_PATTERN,
    DOORBELL_LOG,
    account_doorbell,
    store_doorbell,
    store_doorbell_pattern,
)
from tests.harness.waiting import until_true
from tests.integration.bus.on_bus import connected
from tests.parts.nats import NatsServer


class Ear:
    """Notes the doorbells that it receives."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    def hear(self, subject: str, payload: bytes) -> None:
        self.heard.append((subject, payload))


async def test_a_doorbell_reaches_every_listener(nats_server: NatsServer) -> None:
    ears = [Ear() for _ in range(4)]
    async with connected(nats_server) as entry, connected(nats_server) as other:
        await entry.listen(account_doorbell("a1"), ears[0].hear)
        await entry.listen(account_doorbell("a1"), ears[1].hear)
        await other.listen(ACCOUNT_DOORBELL_PATTERN, ears[2].hear)
        await other.listen(account_doorbell("a2"), ears[3].hear)
        await other.publish("mail.received.0", "e1", b"")  # the server answers in order, so the subscriptions exist now
        entry.ring(account_doorbell("a1"), b"7")
        await until_true(lambda: all(ear.heard == [("doorbell.account.a1", b"7")] for ear in ears[:3]))
        assert not ears[3].heard


async def test_a_ring_does_not_come_back_over_the_server(nats_server: NatsServer) -> None:
    ear, far = Ear(), Ear()
    async with connected(nats_server) as entry, connected(nats_server) as other:
        await entry.listen(account_doorbell("a1"), ear.hear)
        await other.listen(account_doorbell("a1"), far.hear)
        await other.publish("mail.received.0", "e1", b"")  # the server answers in order, so the subscription exists now
        entry.ring(account_doorbell("a1"), b"1")
        await until_true(lambda: len(far.heard) == 1)
        other.ring(
            account_doorbell("a1"), b"2"
        )  # what the server had for `entry` before this would have arrived by now
        await until_true(lambda: ("doorbell.account.a1", b"2") in ear.heard)
        assert ear.heard == [("doorbell.account.a1", b"1"), ("doorbell.account.a1", b"2")]


async def test_a_ring_without_haste_leaves_too(nats_server: NatsServer) -> None:
    ear = Ear()
    async with connected(nats_server) as entry, connected(nats_server) as other:
        await other.listen(store_doorbell_pattern("mailstore"), ear.hear)
        await other.publish("mail.received.0", "e1", b"")
        entry.ring(store_doorbell("mailstore", 0), batched=True)
        await until_true(lambda: ear.heard == [("doorbell.mailstore.0", b"")])


async def test_rings_of_one_subject_that_leave_together_become_the_last_one(bus: Bus) -> None:
    ear = Ear()
    await bus.listen(store_doorbell_pattern("mailstore"), ear.hear)
    for version in range(100):
        bus.ring(store_doorbell("mailstore", 0), b"%d" % version)
        bus.ring(store_doorbell("mailstore", 1), b"x")
    await until_true(lambda: ("doorbell.mailstore.0", b"99") in ear.heard)
    assert len(ear.heard) == 2


async def test_a_listener_that_fails_does_not_affect_the_others(bus: Bus) -> None:
    ear = Ear()

    def fails(_subject: str, _payload: bytes) -> None:
        raise ValueError("of this one")

    await bus.listen(DOORBELL_LOG, fails)
    await bus.listen(DOORBELL_LOG, ear.hear)
    for number in (1, 2):
        bus.ring(DOORBELL_LOG)
        await until_true(lambda number=number: len(ear.heard) == number)  # type: ignore[misc]


async def test_a_closed_bus_receives_no_doorbell(bus: Bus) -> None:
    closed, open_ear = Ear(), Ear()
    listening = await bus.listen(DOORBELL_LOG, closed.hear)
    await bus.listen(DOORBELL_LOG, open_ear.hear)
    await listening.close()
    await listening.close()
    bus.ring(DOORBELL_LOG)
    await until_true(lambda: len(open_ear.heard) == 1)
    assert not closed.heard


async def test_a_subject_may_be_listened_to_again(bus: Bus) -> None:
    ear = Ear()
    listening = await bus.listen(DOORBELL_LOG, ear.hear)
    await listening.close()
    await bus.listen(DOORBELL_LOG, ear.hear)
    bus.ring(DOORBELL_LOG)
    await until_true(lambda: len(ear.heard) == 1)
