"""A training that fails in the background is tried again, with growing pauses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from services.classifier.domain.features import TOKENIZER_VERSION, features
from services.classifier.handlers import teacher
from services.classifier.handlers.teacher import Teacher
from services.classifier.projections.lessons import LessonProjection
from shared.clock import SystemClock
from shared.events.spam import LessonLearned
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import EventStore
from shared.protocol.message.scan import scan

DELAY = 1.0
PROVENANCE = Provenance(Actor("account", "a-ann"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[EventStore]:
    metadata = sqlalchemy.MetaData()
    opened = EventStore(
        SqliteBackend(tmp_path / "classifier.sqlite"), metadata, (LessonProjection(metadata),), SystemClock()
    )
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses in seconds that the teacher requested; nothing really waits."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    return slept


def failing(times: int, really: Callable[..., Any]) -> Callable[..., Any]:
    """A read that finds the database busy so many times."""
    left = times

    async def read(query: Any) -> Any:
        nonlocal left
        left -= 1
        if left >= 0:
            raise StoreUnavailable("database is locked")
        return await really(query)

    return read


async def teach(store: EventStore) -> None:
    """Store one lesson."""
    body = b"Subject: free money\r\n\r\nnow\r\n"
    packed = tuple(features(body, scan(body)).to_bytes())
    event = LessonLearned("a-ann", "g0001/00", "spam", "none", packed, TOKENIZER_VERSION)
    await store.write(lambda transaction: transaction.append("lessons:a-ann", [event], PROVENANCE, owner="a-ann"))


async def trained(learner: Teacher) -> None:
    """Wait until no training is due."""
    async with asyncio.timeout(60):
        assert learner._due is not None
        await learner._due


async def test_it_is_tried_again_without_another_lesson(
    store: EventStore, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    await teach(store)
    learner = Teacher(store, DELAY)
    await learner.load()
    monkeypatch.setattr(store, "read", failing(4, store.read))
    await trained(learner)
    assert learner.model.linear.trained == (1, 0, 1)
    assert pauses == [DELAY, 1.0, DELAY, 2.0, DELAY, 4.0, DELAY, 8.0, DELAY]


async def test_the_pauses_grow_up_to_a_bound(
    store: EventStore, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    await teach(store)
    learner = Teacher(store, DELAY)
    await learner.load()
    monkeypatch.setattr(store, "read", failing(20, store.read))
    await trained(learner)
    assert max(pauses) == teacher.LONGEST_PAUSE == pauses[-2]


async def test_a_stop_ends_the_tries(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await teach(store)
    learner = Teacher(store, 0.001)
    await learner.load()
    failed = asyncio.Event()

    async def never(_query: Any) -> Any:
        failed.set()
        raise StoreUnavailable("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", never)
        async with asyncio.timeout(60):
            await failed.wait()
            await learner.stop()
    assert learner._due is not None and learner._due.done()
