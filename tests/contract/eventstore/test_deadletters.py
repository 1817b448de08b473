"""Dead letters are recorded, listed, retried, and never dropped."""

from __future__ import annotations

import msgspec
import pytest

from shared.clock import FixedClock
from shared.eventstore.deadletters import DeadLetters, NoSuchDeadLetter
from shared.eventstore.store import EventStore
from shared.ids import Ids
from tests.contract.eventstore.harness import Harness
from tests.contract.eventstore.sample import PROVENANCE, Refused


@pytest.fixture
def dead_letters(harness: Harness, store: EventStore) -> DeadLetters:
    return DeadLetters(store, Ids(harness.clock))


async def test_a_buried_step_waits_with_all_it_needs(dead_letters: DeadLetters) -> None:
    dead_letter_id = await dead_letters.bury("mail.received", "q1", "E" * 5000, 8, b"\x00payload\xff", PROVENANCE)
    (listed,) = await dead_letters.waiting()
    dead_letter = await dead_letters.show(dead_letter_id)
    assert (dead_letter.id, dead_letter.what, dead_letter.queue_id, dead_letter.attempts, dead_letter.payload) == (
        dead_letter_id,
        "mail.received",
        "q1",
        8,
        b"\x00payload\xff",
    )
    assert len(dead_letter.error) == 2000
    assert listed == msgspec.structs.replace(dead_letter, payload=b"")
    assert await dead_letters.count() == 1


async def test_the_same_step_again_is_the_same_dead_letter(dead_letters: DeadLetters) -> None:
    first = await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    assert await dead_letters.bury("mail.received", "q1", "still broken", 3, b"p", PROVENANCE) == first
    other = await dead_letters.bury("mail.submitted", "q1", "broken", 8, b"p", PROVENANCE)
    assert {
        dead_letter.id: (dead_letter.attempts, dead_letter.error) for dead_letter in await dead_letters.waiting()
    } == {
        first: (11, "still broken"),
        other: (8, "broken"),
    }


async def test_a_resolved_one_leaves_the_list_and_a_later_failure_is_a_new_one(
    dead_letters: DeadLetters, store: EventStore
) -> None:
    first = await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    assert dead_letters.is_open("mail.received", "q1")
    assert await dead_letters.resolve("q1", "a later try was done", PROVENANCE, "mail.submitted") == []
    assert await dead_letters.resolve("q1", "a later try was done", PROVENANCE, "mail.received") == [first]
    assert (await dead_letters.waiting(), dead_letters.any_open, (await dead_letters.show(first)).retried) == (
        [],
        False,
        True,
    )
    assert await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE) != first
    assert (await store.verify()).equal


async def test_what_waits_is_known_after_a_restart(dead_letters: DeadLetters, store: EventStore) -> None:
    await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    again = DeadLetters(store, Ids(FixedClock()))
    assert not again.any_open
    await again.load()
    assert again.is_open("mail.received", "q1")


async def test_a_step_done_again_leaves_the_list_and_stays_on_record(dead_letters: DeadLetters) -> None:
    done: list[bytes] = []

    async def again(payload: bytes) -> None:
        done.append(payload)

    dead_letters.redriven_by("mail.received", again)
    dead_letter_id = await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    assert (await dead_letters.retry(dead_letter_id, PROVENANCE)).retried
    assert done == [b"p"]
    assert await dead_letters.waiting() == []
    assert [dead_letter.id for dead_letter in await dead_letters.waiting(include_retried=True)] == [dead_letter_id]


async def test_a_step_that_fails_again_stays(dead_letters: DeadLetters) -> None:
    async def again(_payload: bytes) -> None:
        raise Refused

    dead_letters.redriven_by("mail.received", again)
    dead_letter_id = await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    with pytest.raises(Refused):
        await dead_letters.retry(dead_letter_id, PROVENANCE)
    assert [dead_letter.id for dead_letter in await dead_letters.waiting()] == [dead_letter_id]


async def test_dead_letters_are_events_like_all_others(
    harness: Harness, dead_letters: DeadLetters, store: EventStore
) -> None:
    await dead_letters.bury("mail.received", "q1", "broken", 8, b"p", PROVENANCE)
    assert await store.rebuild() == 1
    assert len(await dead_letters.waiting()) == 1
    assert (await store.verify()).equal


async def test_an_unknown_dead_letter(dead_letters: DeadLetters) -> None:
    with pytest.raises(NoSuchDeadLetter):
        await dead_letters.show("l0")
