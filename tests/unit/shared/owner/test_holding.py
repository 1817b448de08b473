"""What a worker gives up is kept, its reception is held, and both end when it is done after all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from shared.bus.attempt import Exhausted
from shared.bus.subjects import RECEIVED, SUBMITTED
from shared.clock import FixedClock
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.grpc.errors import Unavailable
from shared.grpc.local import LocalChannel
from shared.grpc.servicers import methods_of
from shared.ids import Ids
from shared.owner.holding import HoldingLetters
from shared.rpc.mailfold.ingress.v1 import ingress_pb2
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressServicer, add_IngressServicer_to_server

DELIVERY = Actor("service", "delivery")
OPERATOR = Provenance(Actor("operator"))


class Ingress(IngressServicer):
    """Takes notes of what is held; does not answer while `away`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool, str]] = []
        self.away = False

    async def Hold(self, request: ingress_pb2.HoldRequest, context: Any) -> ingress_pb2.HoldReply:
        if self.away:
            raise Unavailable("not now")
        self.told.append((request.queue_id, request.held, request.reason))
        return ingress_pb2.HoldReply()


class Step:
    """A worker's handler; a payload is a queue id, and fails while it is in `impossible`."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.impossible: set[bytes] = set()

    async def handle(self, payload: bytes, _count: int) -> None:
        if payload in self.impossible:
            raise RuntimeError(payload)
        self.done.append(payload)


def queue_id_of(payload: bytes) -> str:
    return payload.decode()


@pytest.fixture
async def letters(tmp_path: Path) -> AsyncIterator[DeadLetters]:
    metadata = sqlalchemy.MetaData()
    clock = FixedClock()
    store = EventStore(SqliteBackend(tmp_path / "delivery.sqlite"), metadata, (DeadLetterProjection(metadata),), clock)
    await store.open()
    yield DeadLetters(store, Ids(clock))
    await store.close()


@pytest.fixture
def ingress() -> Ingress:
    return Ingress()  # type: ignore[abstract]


@pytest.fixture
def step() -> Step:
    return Step()


@pytest.fixture
def holding(letters: DeadLetters, ingress: Ingress) -> HoldingLetters:
    methods = methods_of("ingress", ((add_IngressServicer_to_server, ingress),))
    return HoldingLetters(letters, LocalChannel(methods, "delivery"), DELIVERY)


@pytest.fixture
def exhausted(holding: HoldingLetters, step: Step) -> Exhausted:
    return holding.of(RECEIVED, step.handle, queue_id_of)


async def test_what_is_given_up_is_kept_and_its_reception_held(
    exhausted: Exhausted, letters: DeadLetters, ingress: Ingress
) -> None:
    await exhausted(b"q1", RuntimeError("no such shelf"))
    (letter,) = await letters.waiting()
    assert (letter.what, letter.queue_id, letter.payload, letter.error) == (
        "mail.received",
        "q1",
        b"q1",
        "RuntimeError('no such shelf')",
    )
    assert ingress.told == [("q1", True, f"dead letter {letter.id}")]


async def test_a_payload_nobody_can_read_is_kept_and_holds_nothing(
    exhausted: Exhausted, letters: DeadLetters, ingress: Ingress
) -> None:
    await exhausted(b"\xff", RuntimeError("broken"))
    assert [(letter.queue_id, letter.payload) for letter in await letters.waiting()] == [("", b"\xff")]
    assert ingress.told == []


async def test_a_reception_that_cannot_be_held_is_an_error_so_that_the_message_comes_again(
    exhausted: Exhausted, ingress: Ingress
) -> None:
    ingress.away = True
    with pytest.raises(Unavailable):
        await exhausted(b"q1", RuntimeError("broken"))


async def test_a_letter_that_is_re_driven_is_done_and_its_reception_released(
    exhausted: Exhausted, letters: DeadLetters, ingress: Ingress, step: Step
) -> None:
    await exhausted(b"q1", RuntimeError("broken"))
    (letter,) = await letters.waiting()
    assert (await letters.retry(letter.id, OPERATOR)).retried
    assert (step.done, ingress.told[-1], await letters.waiting()) == ([b"q1"], ("q1", False, ""), [])


async def test_a_letter_that_fails_again_stays_and_holds(
    exhausted: Exhausted, letters: DeadLetters, ingress: Ingress, step: Step
) -> None:
    await exhausted(b"q1", RuntimeError("broken"))
    step.impossible.add(b"q1")
    (letter,) = await letters.waiting()
    with pytest.raises(RuntimeError):
        await letters.retry(letter.id, OPERATOR)
    assert [one.id for one in await letters.waiting()] == [letter.id]
    assert [held for _, held, _ in ingress.told] == [True]


async def test_each_fact_is_done_again_by_its_own_handler(holding: HoldingLetters, letters: DeadLetters) -> None:
    received, submitted = Step(), Step()
    holding.of(RECEIVED, received.handle, queue_id_of)
    bury = holding.of(SUBMITTED, submitted.handle, queue_id_of)
    await bury(b"q2", RuntimeError("broken"))
    (letter,) = await letters.waiting()
    await letters.retry(letter.id, OPERATOR)
    assert (received.done, submitted.done) == ([], [b"q2"])
