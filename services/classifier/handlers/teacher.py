"""The model in memory, kept equal to the standing lessons: it learns and unlearns after each commit, and can be made
anew from them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator

import structlog

from services.classifier.domain.compact import CorruptFeatures
from services.classifier.domain.evidence import NotLearnt
from services.classifier.domain.lesson import Lesson, StaleLesson
from services.classifier.domain.model import Model
from services.classifier.domain.training import Trained, Training, example_of
from services.classifier.handlers.valid_lessons import PAGE, ValidLessons, lesson_from
from services.classifier.projections.lessons import NONE
from shared.background import spawn
from shared.events.spam import LessonForgotten, LessonLearned
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.starting import StartProgress

log = structlog.get_logger("classifier")
_STEPS_A_TURN = 50
"""About 1 ms: mails are judged in between."""
LONGEST_PAUSE = 300.0
"""Seconds between two tries of a training that fails."""
_MOST_DELAYS = 60
"""A training waits for quiet; when lessons come all the time, it waits so many delays and no longer."""
_MEANWHILE_OCTETS = 8 * 1024 * 1024


class Meanwhile:
    """The lessons that come while a training runs, within a bound: those behind it wait for the next training, which
    follows at once.
    """

    def __init__(self) -> None:
        self.learned: deque[Lesson] = deque()
        self.taken_back = 0
        """Lessons that were unlearned: the training may have looked at them."""
        self._octets = 0

    def learn(self, lesson: Lesson) -> None:
        """Keep a lesson."""
        self._octets += sum(map(len, lesson.features))
        if self._octets <= _MEANWHILE_OCTETS:
            self.learned.append(lesson)

    def taken(self, most: int) -> Iterator[Lesson]:
        """At most so many lessons, the first that came first; they are kept no longer."""
        for _ in range(min(most, len(self.learned))):
            yield self.learned.popleft()


class Teacher:
    """Owns the model."""

    def __init__(self, store: EventStore, rebuild_delay: float) -> None:
        self._store = store
        self._delay = rebuild_delay
        self.model = Model()
        self.still = asyncio.Lock()
        """Whoever writes lessons holds this: the model is made anew from lessons that stand still."""
        self._due: asyncio.Task[None] | None = None
        self._lessons = ValidLessons(store)
        self._meanwhile: Meanwhile | None = None
        self._turn = asyncio.Lock()
        self._generation = 0
        self._lessons_followed = 0

    async def load(self, progress: StartProgress | None = None) -> None:
        """Make the model from the standing lessons; the second opinion follows in the background."""
        self.model = await self._evidence(progress or StartProgress(None))
        self._schedule()

    async def rebuild(self) -> None:
        """Make both opinions anew and wait for them."""
        # Lessons are read page by page: one that changed meanwhile would count twice, or not at all.
        async with self.still:
            await self._store.write(_nothing)  # whatever was committed before has been followed when this returns
            model = await self._evidence(StartProgress(None))
            model.adopt(Trained(self.model.linear, self.model.bayes))  # judges until the new training stands
            self.model = model
        await self._train()

    async def _evidence(self, progress: StartProgress) -> Model:
        model, count = Model(), 0
        async for lesson in self._lessons.all():
            _try(model.learn, lesson)
            count += 1
            progress.note(f"classifier: learns its lessons, {count} so far")
        return model

    async def stop(self) -> None:
        """Give up a training under way."""
        if self._due is not None:
            self._due.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._due

    def committed(self, recorded: list[Recorded]) -> None:
        """Follow what was just committed: unlearn what stood before, learn what stands now."""
        for committed_event in recorded:
            match committed_event.event:
                case LessonLearned() as learned:
                    self._follow(learned)
                case LessonForgotten(account, _, previous, features, tokenizer):
                    self._unlearn(lesson_from(account, previous, tokenizer, features))
                    self._schedule()
                case _:
                    pass

    def _follow(self, learned: LessonLearned) -> None:
        if learned.previous != NONE:
            self._unlearn(lesson_from(learned.account, learned.previous, learned.tokenizer, learned.features))
        if learned.label != NONE:
            self._learn(lesson_from(learned.account, learned.label, learned.tokenizer, learned.features))
        self._schedule()

    def _learn(self, lesson: Lesson) -> None:
        if _try(self.model.learn, lesson) and self._meanwhile is not None:
            self._meanwhile.learn(lesson)

    def _unlearn(self, lesson: Lesson) -> None:
        if _try(self.model.unlearn, lesson) and self._meanwhile is not None:
            self._meanwhile.taken_back += 1

    def _schedule(self) -> None:
        self._lessons_followed += 1
        if self._due is None or self._due.done():
            self._due = spawn(self._after_quiet(), "classifier-training")

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
        """Wait until no lesson has come for one delay."""
        for _ in range(_MOST_DELAYS):
            before = self._lessons_followed
            await asyncio.sleep(self._delay)
            if before == self._lessons_followed:
                return

    async def _train(self) -> None:
        """One training after the other: what is learnt meanwhile belongs to the one under way."""
        async with self._turn:
            await self._train_now()

    async def _train_now(self) -> None:
        """Train the second opinion from the newest lessons, in slices; what was learnt meanwhile is added at the
        end."""
        meanwhile = self._meanwhile = Meanwhile()
        try:
            examples = await self._lessons.newest()
            if not examples:
                return
            self._generation += 1
            training = Training(examples, self._generation)
            for step, _ in enumerate(training.run()):
                if step % _STEPS_A_TURN == 0:
                    await asyncio.sleep(0)
            trained = training.result()
            while meanwhile.learned:
                _learn(trained, meanwhile)
                await asyncio.sleep(0)
            trained.linear.taken_back = meanwhile.taken_back
            self.model.adopt(trained)
        finally:
            self._meanwhile = None


def _nothing(_transaction: Transaction) -> None:
    """A turn in the writer's queue."""


def _learn(trained: Trained, meanwhile: Meanwhile) -> None:
    """One turn's worth of the lessons that were learned while it was trained."""
    for lesson in meanwhile.taken(PAGE):
        trained.linear.learn(example_of(lesson).features, lesson.is_spam)


def _try(change: Callable[[Lesson], None], lesson: Lesson) -> bool:
    """Whether it was done. A lesson of another tokenizer, or one that was never learnt, is passed over; the log still
    has it.
    """
    try:
        change(lesson)
    except (StaleLesson, CorruptFeatures, NotLearnt) as error:
        log.warning("classifier.lesson_passed_over", error=str(error))
        return False
    return True
