"""Dead letters: buried, listed, re-driven, and never dropped."""

from __future__ import annotations

import msgspec
import pytest

from shared.clock import FixedClock
from shared.eventstore.deadletters import DeadLetters, NoSuchLetter
from shared.eventstore.store import EventStore
from shared.ids import Ids
from tests.contract.eventstore.harness import Harness
from tests.contract.eventstore.sample import WHY, Refused


@pytest.fixture
def letters(harness: Harness, store: EventStore) -> DeadLetters:
    return DeadLetters(store, Ids(harness.clock))


async def test_a_buried_step_waits_with_all_it_needs(letters: DeadLetters) -> None:
    letter_id = await letters.bury("mail.received", "q1", "E" * 5000, 8, b"\x00payload\xff", WHY)
    (listed,) = await letters.waiting()
    letter = await letters.show(letter_id)
    assert (letter.id, letter.what, letter.queue_id, letter.attempts, letter.payload) == (
        letter_id,
        "mail.received",
        "q1",
        8,
        b"\x00payload\xff",
    )
    assert len(letter.error) == 2000
    assert listed == msgspec.structs.replace(letter, payload=b"")
    assert await letters.count() == 1


async def test_the_same_step_again_is_the_same_dead_letter(letters: DeadLetters) -> None:
    first = await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    assert await letters.bury("mail.received", "q1", "still broken", 3, b"p", WHY) == first
    other = await letters.bury("mail.submitted", "q1", "broken", 8, b"p", WHY)
    assert {letter.id: (letter.attempts, letter.error) for letter in await letters.waiting()} == {
        first: (11, "still broken"),
        other: (8, "broken"),
    }


async def test_a_resolved_one_leaves_the_list_and_a_later_failure_is_a_new_one(
    letters: DeadLetters, store: EventStore
) -> None:
    first = await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    assert letters.is_open("mail.received", "q1")
    assert await letters.resolve("q1", "a later try was done", WHY, "mail.submitted") == []
    assert await letters.resolve("q1", "a later try was done", WHY, "mail.received") == [first]
    assert (await letters.waiting(), letters.any_open, (await letters.show(first)).retried) == ([], False, True)
    assert await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY) != first
    assert (await store.verify()).equal


async def test_what_waits_is_known_after_a_restart(letters: DeadLetters, store: EventStore) -> None:
    await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    again = DeadLetters(store, Ids(FixedClock()))
    assert not again.any_open
    await again.load()
    assert again.is_open("mail.received", "q1")


async def test_a_step_done_again_leaves_the_list_and_stays_on_record(letters: DeadLetters) -> None:
    done: list[bytes] = []

    async def again(payload: bytes) -> None:
        done.append(payload)

    letters.redriven_by("mail.received", again)
    letter_id = await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    assert (await letters.retry(letter_id, WHY)).retried
    assert done == [b"p"]
    assert await letters.waiting() == []
    assert [letter.id for letter in await letters.waiting(include_retried=True)] == [letter_id]


async def test_a_step_that_fails_again_stays(letters: DeadLetters) -> None:
    async def again(_payload: bytes) -> None:
        raise Refused

    letters.redriven_by("mail.received", again)
    letter_id = await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    with pytest.raises(Refused):
        await letters.retry(letter_id, WHY)
    assert [letter.id for letter in await letters.waiting()] == [letter_id]


async def test_letters_are_facts_like_all_others(harness: Harness, letters: DeadLetters, store: EventStore) -> None:
    await letters.bury("mail.received", "q1", "broken", 8, b"p", WHY)
    assert await store.rebuild() == 1
    assert len(await letters.waiting()) == 1
    assert (await store.verify()).equal


async def test_a_letter_that_is_not_there(letters: DeadLetters) -> None:
    with pytest.raises(NoSuchLetter):
        await letters.show("l0")
