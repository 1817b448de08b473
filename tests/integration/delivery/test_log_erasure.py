"""What delivery recorded of a deleted account is erased page by page, and goes on after a kill at any page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy

from services.delivery.domain.erasure import mark_of, without_contents
from services.delivery.projections.plans import PlanProjection
from shared.clock import SystemClock
from shared.erasure import log_erasure
from shared.erasure.former_addresses import FormerAddress, FormerAddresses
from shared.erasure.log_collection import LogCollection
from shared.erasure.log_erasure import Erased, LogErasure
from shared.erasure.mail_marks import MailMarks, hash_of
from shared.events.delivery import DeliveryPlanned, DeliverySettled, Step
from shared.events.mail import Outcome
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.eventstore.event import Actor, Provenance, encode
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore, opened
from shared.ids import Ids

ANN, BOB = "ann@example.org", "bob@example.org"
EVER = 1 << 60
BY = Provenance(Actor("service", "delivery"))
MAILS = 12


class Killed(Exception):
    """The process ends here."""


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EventStore]:
    """Twelve settled mails to ann, one to ann and bob, one to bob, and a dead letter of each of the first two."""
    monkeypatch.setattr(log_erasure, "PAGE", 2)
    metadata = sqlalchemy.MetaData()
    made = EventStore(
        SqliteBackend(tmp_path / "delivery.sqlite"),
        metadata,
        (PlanProjection(metadata), DeadLetterProjection(metadata)),
        SystemClock(),
    )
    async with opened(made):
        for number in range(MAILS):
            await delivered(made, f"q{number}", ("a-ann", ANN))
        await delivered(made, "shared", ("a-ann", ANN), ("a-bob", BOB))
        await delivered(made, "others", ("a-bob", BOB))
        letters = DeadLetters(made, Ids(SystemClock()))
        for queue_id in ("q0", "shared"):
            payload = msgspec.json.encode({"queue_id": queue_id, "recipient": ANN})
            await letters.bury("mail.classified", queue_id, f"refused {ANN}", 1, payload, BY)
            await letters.bury("mail.classified", queue_id, f"again {ANN}", 1, payload, BY)
            await letters.resolve(queue_id, "done", BY)
        yield made


async def delivered(store: EventStore, queue_id: str, *recipients: tuple[str, str]) -> None:
    """Plan and settle a mail."""
    steps = tuple(
        Step(address, index, "store", account, address, prefix=f"Delivered-To: {address}\r\n".encode())
        for index, (account, address) in enumerate(recipients)
    )
    routes = tuple(f"{address} → {address} (account)" for _, address in recipients)
    outcomes = tuple(Outcome(address, "delivered") for _, address in recipients)
    events = [DeliveryPlanned(queue_id, steps, routes), DeliverySettled(queue_id, outcomes)]
    await store.write(lambda tx: tx.append(queue_id, events, BY))


async def collected(store: EventStore) -> tuple[list[str], list[str]]:
    """The mails of ann, as delivery notes them."""
    whole, part = list[str](), list[str]()

    async def note(account: str, alone: list[str], together: list[str]) -> None:
        assert account == "a-ann"
        whole.extend(alone)
        part.extend(together)

    erased = Erased("a-ann", FormerAddresses("a-ann", ()), MailMarks())
    await LogCollection(store, lambda event, it: mark_of(event, it.account)).run(erased, note, lambda _count: None)
    return sorted(whole), part


async def everything(store: EventStore) -> dict[str, bytes]:
    """What every stream and the dead letters say."""
    rows = await store.read(lambda reader: reader.all("SELECT stream, data FROM event ORDER BY shard, position"))
    said: dict[str, bytes] = {}
    for stream, data in rows:
        said[stream] = said.get(stream, b"") + bytes(data)
    return said


async def test_the_log_is_erased_through_a_kill_at_every_page(store: EventStore) -> None:
    before, heads = await everything(store), await store.heads()
    whole, part = await collected(store)
    assert (whole, part) == (sorted(f"q{number}" for number in range(MAILS)), ["shared"])
    addresses = FormerAddresses("a-ann", [FormerAddress(ANN, "+", 0, EVER)])
    erased = Erased("a-ann", addresses, MailMarks(map(hash_of, whole), map(hash_of, part)))
    kills = 0
    while True:

        def advanced(count: int) -> None:
            raise Killed

        try:
            await LogErasure(store, without_contents).run(erased, advanced)
            break
        except Killed:
            kills += 1
            assert (await store.verify()).equal
    assert kills > MAILS
    after = await everything(store)
    assert after["others"] == before["others"]
    assert b"bob@example.org" in after["shared"] and b"a-ann@example.org" in after["shared"]
    assert [stream for stream, said in after.items() if ANN.encode() in said.replace(b"a-ann@", b"")] == []
    assert after["q1"] == encode(DeliveryPlanned("q1", ())) + encode(DeliverySettled("q1", ()))
    rows = await store.read(lambda reader: reader.all("SELECT error, payload FROM dead_letter ORDER BY queue_id"))
    shared = msgspec.json.encode({"queue_id": "shared", "recipient": "a-ann@example.org"})
    assert [(error, bytes(payload)) for error, payload in rows] == [("", b""), ("again a-ann@example.org", shared)]
    assert (await store.verify()).equal
    assert await store.heads() == heads
    assert await store.read(lambda reader: reader.all("SELECT name FROM cursor")) == []
    assert await store.rebuild() > 0


async def test_a_second_erasure_changes_nothing(store: EventStore) -> None:
    addresses = FormerAddresses("a-ann", [FormerAddress(ANN, "+", 0, EVER)])
    erased = Erased("a-ann", addresses, MailMarks(map(hash_of, [f"q{number}" for number in range(MAILS)])))
    await LogErasure(store, without_contents).run(erased, lambda _count: None)
    first = await everything(store)
    await LogErasure(store, without_contents).run(erased, lambda _count: None)
    assert first == await everything(store)
    assert (await store.verify()).equal


async def test_events_of_a_later_holder_stay(store: EventStore) -> None:
    before = await everything(store)
    addresses = FormerAddresses("a-ann", [FormerAddress(ANN, "+", 0, 1)])
    await LogErasure(store, without_contents).run(Erased("a-ann", addresses, MailMarks()), lambda _count: None)
    assert await everything(store) == before
