"""The model in memory, kept equal to the standing lessons: it learns and unlearns after each commit, and can be made
anew from them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from services.classifier.domain.compact import CorruptFeatures
from services.classifier.domain.evidence import NotLearnt
from services.classifier.domain.features import PackedFeatures
from services.classifier.domain.lesson import Label, Lesson, StaleLesson
from services.classifier.domain.model import Model
from services.classifier.domain.training import Example, Trained, Training, example_of
from services.classifier.projections.lessons import NONE, unpack
from shared.events.spam import LessonForgotten, LessonLearned
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

log = structlog.get_logger("classifier")
PAGE = 500
_STEPS_A_TURN = 50
"""About 1 ms: mails are judged in between."""
LONGEST_PAUSE = 300.0
"""Seconds between two tries of a training that fails."""
_COLUMNS = "account, label, tokenizer, features"


class Teacher:
    """Owns the model."""

    def __init__(self, store: EventStore, rebuild_delay: float) -> None:
        self._store = store
        self._delay = rebuild_delay
        self.model = Model()
        self.still = asyncio.Lock()
        """Whoever writes lessons holds this: the model is made anew from lessons that stand still."""
        self._due: asyncio.Task[None] | None = None
        self._since_training: list[Lesson] = []
        self._training = False
        self._turn = asyncio.Lock()
        self._generation = 0
        self._lessons_followed = 0

    async def load(self) -> None:
        """Make the model from the standing lessons; the second opinion follows in the background."""
        self.model = await self._evidence()
        self._schedule()

    async def rebuild(self) -> None:
        """Make both opinions anew and wait for them."""
        # Lessons are read page by page: one that changed meanwhile would count twice, or not at all.
        async with self.still:
            await self._store.write(_nothing)  # whatever was committed before has been followed when this returns
            model = await self._evidence()
            model.adopt(Trained(self.model.linear, self.model.bayes))  # judges until the new training stands
            self.model = model
        await self._train()

    async def _evidence(self) -> Model:
        model = Model()
        async for lesson in self._lessons():
            _try(model.learn, lesson)
        return model

    async def stop(self) -> None:
        """Give up a training under way."""
        if self._due is not None:
            self._due.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._due

    def committed(self, recorded: list[Recorded]) -> None:
        """Follow what was just committed: unlearn what stood before, learn what stands now."""
        for one in recorded:
            match one.event:
                case LessonLearned() as fact:
                    self._follow(fact)
                case LessonForgotten(account, _, previous, features, tokenizer):
                    _try(self.model.unlearn, _lesson(account, previous, tokenizer, features))
                    self._schedule()
                case _:
                    pass

    def _follow(self, fact: LessonLearned) -> None:
        if fact.previous != NONE:
            _try(self.model.unlearn, _lesson(fact.account, fact.previous, fact.tokenizer, fact.features))
        if fact.label != NONE:
            lesson = _lesson(fact.account, fact.label, fact.tokenizer, fact.features)
            _try(self.model.learn, lesson)
            if self._training:
                self._since_training.append(lesson)
        self._schedule()

    def _schedule(self) -> None:
        self._lessons_followed += 1
        if self._due is None or self._due.done():
            self._due = asyncio.get_running_loop().create_task(self._after_quiet())

    async def _after_quiet(self) -> None:
        """Lessons that come while it trains are followed by another training: what they took back is still in this one.
        A training that fails is tried again after a pause, each twice as long as the last."""
        trained, pause = -1, self._delay
        while trained != self._lessons_followed:
            await self._quiet()
            followed = self._lessons_followed
            if await self._has_trained(pause):
                trained, pause = followed, self._delay
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, max(self._delay, LONGEST_PAUSE))

    async def _has_trained(self, pause: float) -> bool:
        try:
            await self._train()
        except Exception as error:
            log.error("classifier.training_failed", seconds_to_next=pause, exc_info=error)
            return False
        return True

    async def _quiet(self) -> None:
        seen = -1
        while seen != self._lessons_followed:
            seen = self._lessons_followed
            await asyncio.sleep(self._delay)

    async def _train(self) -> None:
        """One training after the other: what is learnt meanwhile belongs to the one under way."""
        async with self._turn:
            await self._train_now()

    async def _train_now(self) -> None:
        """Train the second opinion from the facts, in slices; what was learnt meanwhile is added at the end."""
        self._training, self._since_training = True, []
        try:
            examples = [example async for example in self._examples()]
            if not examples:
                return
            self._generation += 1
            training = Training(examples, self._generation)
            for step, _ in enumerate(training.run()):
                if step % _STEPS_A_TURN == 0:
                    await asyncio.sleep(0)
            trained = training.result()
            for lesson in self._since_training:
                trained.linear.learn(example_of(lesson).features, lesson.is_spam)
            self.model.adopt(trained)
        finally:
            self._training = False

    async def _examples(self) -> AsyncIterator[Example]:
        async for lesson in self._lessons():
            with contextlib.suppress(CorruptFeatures, StaleLesson):
                yield example_of(lesson)

    async def _lessons(self) -> AsyncIterator[Lesson]:
        after: Row = (-1, "", -1)
        while True:
            rows = await self._store.read(_page(after))
            for row in rows:
                yield _lesson(row[0], row[1], row[2], unpack(bytes(row[3])))
            if len(rows) < PAGE:
                return
            after = (rows[-1][4], rows[-1][0], rows[-1][5])
            await asyncio.sleep(0)


def _nothing(_transaction: Transaction) -> None:
    """A turn in the writer's queue."""


def _page(after: Row) -> Callable[[Reader], list[Row]]:
    sql = f"SELECT {_COLUMNS}, at, version FROM lesson WHERE (at, account, version) > (?, ?, ?) ORDER BY at, account, version LIMIT {PAGE}"  # noqa: S608
    return lambda reader: reader.all(sql, after)


def _lesson(account: str, label: str, tokenizer: int, features: tuple[bytes, ...]) -> Lesson:
    # Facts of another tokenizer may be packed otherwise; the model refuses them by their version.
    packed = (
        PackedFeatures(*features) if len(features) == len(PackedFeatures._fields) else PackedFeatures(b"", b"", b"")
    )
    return Lesson(account, Label(label), tokenizer, packed)


def _try(change: Callable[[Lesson], None], lesson: Lesson) -> None:
    """A lesson of another tokenizer, or one that was never learnt, is passed over; the log still has it."""
    try:
        change(lesson)
    except (StaleLesson, CorruptFeatures, NotLearnt) as error:
        log.warning("classifier.lesson_passed_over", error=str(error))
