"""A step that cannot be done is recorded once and holds its reception, until it succeeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from shared.bus.errors import DeliveriesExhausted
from shared.clock import FixedClock
from shared.events.deadletters import DeadLetterBuried, DeadLetterFailedAgain, DeadLetterResolved
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.errors import Unavailable
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.ids import Ids
from shared.owner.burial import Burial, WorkStep, ingress_hold
from shared.rpc.mailfold.ingress.v1 import ingress_pb2
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressServicer, add_IngressServicer_to_server

DELIVERY = Actor("service", "delivery")
OPERATOR = Provenance(Actor("operator"))
WHAT = "mail.classified"
Q1 = b'{"queue_id":"q1","of":{"a later":"shape"}}'


class Ingress(IngressServicer):
    """Notes which receptions are held; does not answer while `away` is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool, str]] = []
        self.away = False
        self.settled: set[str] = set()

    async def Hold(self, request: ingress_pb2.HoldRequest, context: Any) -> ingress_pb2.HoldReply:
        if self.away:
            raise Unavailable("not now")
        self.asked.append((request.queue_id, request.held, request.reason))
        return ingress_pb2.HoldReply(settled=request.queue_id in self.settled)


class Work:
    """A worker's handler, which fails while `error` is set."""

    def __init__(self) -> None:
        self.tried: list[bytes] = []
        self.error: Exception | None = None

    async def handle(self, payload: bytes, _count: int) -> None:
        self.tried.append(payload)
        if self.error:
            raise self.error


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    projections = (DeadLetterProjection(metadata),)
    store = EventStore(SqliteBackend(tmp_path / "delivery.sqlite"), metadata, projections, FixedClock())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def dead_letters(store: EventStore) -> DeadLetters:
    return DeadLetters(store, Ids(FixedClock()))


@pytest.fixture
def ingress() -> Ingress:
    return Ingress()  # type: ignore[abstract]


@pytest.fixture
def work() -> Work:
    return Work()


def burial_of(dead_letters: DeadLetters, ingress: Ingress) -> Burial:
    methods = methods_of("ingress", ((add_IngressServicer_to_server, ingress),))
    return Burial(dead_letters, ingress_hold(LocalChannel(methods, "delivery")), DELIVERY)


@pytest.fixture
def burial(dead_letters: DeadLetters, ingress: Ingress) -> Burial:
    return burial_of(dead_letters, ingress)


@pytest.fixture
def step(burial: Burial, work: Work) -> WorkStep:
    return burial.step(WHAT, work.handle)


async def events(store: EventStore) -> list[type]:
    return [type(recorded.event) for recorded in await store.read_stream("deadletters")]


async def test_what_cannot_be_done_is_kept_and_its_reception_held(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress
) -> None:
    await step.bury(Q1, 8, RuntimeError("no such shelf"))
    (dead_letter,) = await dead_letters.waiting()
    assert (dead_letter.what, dead_letter.queue_id, dead_letter.attempts, dead_letter.error) == (
        WHAT,
        "q1",
        8,
        "RuntimeError('no such shelf')",
    )
    assert (await dead_letters.show(dead_letter.id)).payload == Q1
    assert ingress.asked == [("q1", True, f"dead letter {dead_letter.id}")]


async def test_a_step_of_a_mail_has_one_dead_letter_that_counts_its_attempts(
    step: WorkStep, dead_letters: DeadLetters, store: EventStore
) -> None:
    """Before, each repeat of the mail made another dead letter, with 0 attempts."""
    for number in range(4):
        await step.bury(Q1, 8, RuntimeError(f"try {number}"))
    (dead_letter,) = await dead_letters.waiting()
    assert (dead_letter.attempts, dead_letter.error) == (32, "RuntimeError('try 3')")
    assert await events(store) == [DeadLetterBuried, *[DeadLetterFailedAgain] * 3]
    assert (await store.verify()).equal


async def test_a_payload_nobody_can_read_is_kept_once_and_holds_nothing(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress
) -> None:
    for payload in (b"\xff", b"\xff", b"other"):
        await step.bury(payload, 1, RuntimeError("broken"))
    kept = [
        (dead_letter.queue_id, (await dead_letters.show(dead_letter.id)).payload)
        for dead_letter in await dead_letters.waiting()
    ]
    assert sorted(kept) == [("", b"other"), ("", b"\xff")]
    assert ingress.asked == []


async def test_a_later_success_resolves_the_dead_letter_and_releases_the_reception(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress, store: EventStore
) -> None:
    await step.bury(Q1, 8, RuntimeError("broken"))
    await step.handle(Q1, 1)
    assert await dead_letters.waiting() == []
    assert ingress.asked[-1] == ("q1", False, "")
    assert await events(store) == [DeadLetterBuried, DeadLetterResolved]
    assert (await store.verify()).equal


async def test_another_step_or_mail_resolves_nothing(burial: Burial, step: WorkStep, dead_letters: DeadLetters) -> None:
    other = burial.step("mail.submitted", Work().handle)
    await step.bury(Q1, 8, RuntimeError("broken"))
    await step.handle(b'{"queue_id":"q2"}', 1)
    await other.handle(Q1, 1)
    assert len(await dead_letters.waiting()) == 1


async def test_after_a_restart_a_success_still_resolves(
    step: WorkStep, store: EventStore, ingress: Ingress, dead_letters: DeadLetters
) -> None:
    await step.bury(Q1, 8, RuntimeError("broken"))
    again = burial_of(DeadLetters(store, Ids(FixedClock())), ingress)
    await again.start()
    await again.step(WHAT, Work().handle).handle(Q1, 1)
    await again.stop()
    assert await dead_letters.waiting() == []


async def test_a_dead_letter_of_a_settled_mail_is_resolved_at_once(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress
) -> None:
    """The last failed attempt of a mail may end after the attempt that succeeded."""
    ingress.settled.add("q1")
    await step.bury(Q1, 8, RuntimeError("late"))
    assert await dead_letters.waiting() == []


async def test_comparing_resolves_what_was_settled_and_holds_what_was_not_held(
    burial: Burial, step: WorkStep, dead_letters: DeadLetters, ingress: Ingress
) -> None:
    ingress.away = True
    await step.bury(Q1, 8, RuntimeError("broken"))
    await step.bury(b'{"queue_id":"q2"}', 8, RuntimeError("broken"))
    assert ingress.asked == []
    ingress.away = False
    ingress.settled.add("q2")
    await burial.compare()
    (dead_letter,) = await dead_letters.waiting()
    assert dead_letter.queue_id == "q1"
    assert ("q1", True, f"dead letter {dead_letter.id}") in ingress.asked


async def test_what_ends_its_process_is_tried_once_for_each_repeat(step: WorkStep, work: Work) -> None:
    await step.bury(Q1, 17, DeliveriesExhausted("delivered 17 times"))
    await step.handle(Q1, 2)
    assert work.tried == []
    work.error = RuntimeError("again")
    with pytest.raises(RuntimeError):
        await step.handle(Q1, 1)
    assert work.tried == [Q1]


class Full:
    """Replaces a store that cannot be written."""

    async def write(self, _work: Any) -> None:
        raise StoreUnavailable("disk full")


async def test_what_cannot_be_buried_now_is_left_to_the_repeats(ingress: Ingress) -> None:
    burial = burial_of(DeadLetters(Full(), Ids(FixedClock())), ingress)  # type: ignore[arg-type]
    step = burial.step(WHAT, Work().handle)
    await step.bury(Q1, 8, RuntimeError("broken"))
    with pytest.raises(StoreUnavailable):  # a payload that names no mail is not repeated by anybody
        await step.bury(b"\xff", 8, RuntimeError("broken"))


async def test_a_retried_dead_letter_succeeds_and_releases_its_reception(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress, work: Work
) -> None:
    await step.bury(Q1, 8, RuntimeError("broken"))
    (dead_letter,) = await dead_letters.waiting()
    assert (await dead_letters.retry(dead_letter.id, OPERATOR)).retried
    assert (work.tried, ingress.asked[-1], await dead_letters.waiting()) == ([Q1], ("q1", False, ""), [])


async def test_a_retry_that_fails_counts_and_the_reception_stays_held(
    step: WorkStep, dead_letters: DeadLetters, ingress: Ingress, work: Work
) -> None:
    await step.bury(Q1, 8, RuntimeError("broken"))
    work.error = RuntimeError("still")
    (dead_letter,) = await dead_letters.waiting()
    with pytest.raises(RuntimeError):
        await dead_letters.retry(dead_letter.id, OPERATOR)
    (again,) = await dead_letters.waiting()
    assert (again.id, again.attempts, again.error) == (dead_letter.id, 9, "RuntimeError('still')")
    assert [held for _, held, _ in ingress.asked] == [True]


async def test_each_step_is_done_again_by_its_own_handler(burial: Burial, dead_letters: DeadLetters) -> None:
    received, submitted = Work(), Work()
    burial.step("mail.received", received.handle)
    bury = burial.step("mail.submitted", submitted.handle).bury
    await bury(Q1, 8, RuntimeError("broken"))
    (dead_letter,) = await dead_letters.waiting()
    await dead_letters.retry(dead_letter.id, OPERATOR)
    assert (received.tried, submitted.tried) == ([], [Q1])
