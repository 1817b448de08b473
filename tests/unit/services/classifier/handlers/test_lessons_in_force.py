"""A training reads only the newest lessons; lessons that arrive meanwhile are bounded and not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy

from services.classifier.domain import training
from services.classifier.domain.features import TOKENIZER_VERSION, Features
from services.classifier.domain.lesson import Label, Lesson
from services.classifier.domain.token_names import NO_NAMES
from services.classifier.domain.training import Example, example_of
from services.classifier.handlers import teacher, valid_lessons
from services.classifier.handlers.teacher import LessonsDuringTraining, Teacher
from services.classifier.handlers.valid_lessons import ValidLessons
from services.classifier.projections.lessons import LessonProjection
from shared.clock import SystemClock
from shared.events.spam import LessonLearned
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore

PROVENANCE = Provenance(Actor("account", "a-ann"))
SPAM, HAM = Label.SPAM.value, Label.HAM.value


def packed(number: int, tokens: int = 3) -> tuple[bytes, ...]:
    """The features of a sample mail, different for each number."""
    indices = np.arange(number, number + tokens, dtype=np.uint32)
    return tuple(Features(indices, indices, indices, NO_NAMES).to_bytes())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    backend = SqliteBackend(tmp_path / "classifier.sqlite")
    opened = EventStore(backend, metadata, (LessonProjection(metadata),), SystemClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first token of each lesson that was decoded, in order."""
    numbers: list[int] = []

    def counted(lesson: Lesson) -> Example:
        example = example_of(lesson)
        numbers.append(int(example.features.tokens[0]))
        return example

    monkeypatch.setattr(valid_lessons, "example_of", counted)
    return numbers


async def teach(store: EventStore, first: int, count: int, label: str, tokens: int = 3, previous: str = "none") -> None:
    """Store so many lessons, numbered."""
    events = [
        LessonLearned("a-ann", f"g0001/{number}", label, previous, packed(number, tokens), TOKENIZER_VERSION)
        for number in range(first, first + count)
    ]
    await store.write(lambda transaction: transaction.append("lessons:a-ann", events, PROVENANCE, owner="a-ann"))


async def test_only_the_newest_are_decoded(
    store: EventStore, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every lesson used to be decoded, and all but the newest were dropped."""
    monkeypatch.setattr(training, "MAX_LESSONS", 30)
    await teach(store, 0, 600, HAM)
    await teach(store, 1000, 600, SPAM)
    examples = await ValidLessons(store).newest()
    numbers = [int(example.features.tokens[0]) for example in examples]
    assert numbers == [*range(570, 600), *range(1570, 1600)]
    assert len(decoded) < 2 * (30 + valid_lessons.PAGE)


async def test_a_rare_label_is_looked_for_behind_the_common_one(
    store: EventStore, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MAX_LESSONS", 30)
    await teach(store, 0, 5, HAM)
    await teach(store, 1000, 1200, SPAM)
    examples = await ValidLessons(store).newest()
    assert sum(not example.is_spam for example in examples) == 5
    assert len(decoded) < 30 + 5 + valid_lessons.PAGE


async def test_large_lessons_are_bounded_in_octets(
    store: EventStore, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MAX_OCTETS", 100_000)
    await teach(store, 0, 100, SPAM, tokens=2000)
    examples = await ValidLessons(store).newest()
    assert sum(example.octets for example in examples) <= 100_000 + 24_000
    assert len(decoded) < 100


async def test_what_comes_during_a_training_counts_in_it(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await teach(store, 0, 60, HAM)
    learner = Teacher(store, 1000.0)
    await learner.load()
    store.on_commit(learner.committed)
    begun, goes_on = asyncio.Event(), asyncio.Event()
    newest = learner._lessons.newest

    async def held() -> Any:
        examples = await newest()
        begun.set()
        await goes_on.wait()
        return examples

    monkeypatch.setattr(learner._lessons, "newest", held)
    running = asyncio.create_task(learner._train())
    await begun.wait()
    await teach(store, 100, 7, SPAM)
    await teach(store, 0, 2, "none", previous=HAM)
    goes_on.set()
    await running
    assert learner.model.linear.trained == (7, 60, 1)
    assert learner.model.linear.unlearned == 2
    await learner.stop()


def test_lessons_kept_during_a_training_are_bounded_in_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "_MEANWHILE_OCTETS", 10_000)
    meanwhile = LessonsDuringTraining()
    lesson = valid_lessons.lesson_from("a-ann", SPAM, TOKENIZER_VERSION, (b"x" * 400, b"y" * 300, b"z" * 300))
    for _ in range(100):
        meanwhile.learn(lesson)
    assert len(meanwhile.learned) == 10


async def test_lessons_without_end_do_not_put_a_training_off(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to wait for a pause in the lessons, however long there was none."""
    learner = Teacher(store, 1.0)
    sleep, pauses = asyncio.sleep, 0

    async def taught_meanwhile(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        assert pauses < 1000
        learner._lessons_followed += 1
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", taught_meanwhile)
    await learner._quiet()
