"""Keeps the model in memory equal to the lessons in force.

It learns and unlearns after each commit, and can rebuild the model from the lessons.
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
"""Training steps in one turn of the event loop, about 1 ms, so that mails are judged in between."""
LONGEST_PAUSE = 300.0
"""Longest pause before a failed training is tried again, in seconds."""
_MOST_DELAYS = 60
"""Longest wait for a pause between lessons, in delays: a training starts then even if lessons keep coming."""
_MEANWHILE_OCTETS = 8 * 1024 * 1024


class LessonsDuringTraining:
    """The lessons that are committed while a training runs, up to a size; the next training uses the rest."""

    def __init__(self) -> None:
        self.learned: deque[Lesson] = deque()
        self.unlearned = 0
        """Number of lessons that were unlearned; the training may have used them."""
        self._octets = 0

    def learn(self, lesson: Lesson) -> None:
        """Keep a lesson."""
        self._octets += sum(map(len, lesson.features))
        if self._octets <= _MEANWHILE_OCTETS:
            self.learned.append(lesson)

    def taken(self, most: int) -> Iterator[Lesson]:
        """Remove and return at most so many lessons, oldest first."""
        for _ in range(min(most, len(self.learned))):
            yield self.learned.popleft()


class Teacher:
    """Owns the model and trains it."""

    def __init__(self, store: EventStore, rebuild_delay: float) -> None:
        self._store = store
        self._delay = rebuild_delay
        self.model = Model()
        self.lessons_lock = asyncio.Lock()
        """Held while lessons are written, so that they do not change while the model is rebuilt."""
        self._due: asyncio.Task[None] | None = None
        self._lessons = ValidLessons(store)
        self._meanwhile: LessonsDuringTraining | None = None
        self._turn = asyncio.Lock()
        self._generation = 0
        self._lessons_followed = 0

    async def load(self, progress: StartProgress | None = None) -> None:
        """Make the model from the lessons in force; the linear models are trained in the background."""
        self.model = await self._evidence(progress or StartProgress(None))
        self._schedule()

    async def rebuild(self) -> None:
        """Rebuild Bayes and the linear models, and wait until they are ready."""
        # Lessons are read page by page: a lesson that changed meanwhile would be counted twice, or not at all.
        async with self.lessons_lock:
            await self._store.write(_nothing)  # when this returns, every commit before it has been followed
            model = await self._evidence(StartProgress(None))
            # the old linear models stay in use until the new training ends
            model.adopt(Trained(self.model.linear, self.model.bayes))
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
        """Cancel a training in progress."""
        if self._due is not None:
            self._due.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._due

    def committed(self, recorded: list[Recorded]) -> None:
        """Follow a commit: unlearn the replaced lessons and learn the new ones."""
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
            self._meanwhile.unlearned += 1

    def _schedule(self) -> None:
        self._lessons_followed += 1
        if self._due is None or self._due.done():
            self._due = spawn(self._after_quiet(), "classifier-training")

    async def _after_quiet(self) -> None:
        """Train once no lesson has come for a while, and again when lessons changed during the training.

        A failed training is tried again after a pause, which doubles each time.
        """
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
        """Train after any other training has ended."""
        async with self._turn:
            await self._train_now()

    async def _train_now(self) -> None:
        """Train the linear models from the newest lessons, in slices; then add the lessons committed meanwhile."""
        meanwhile = self._meanwhile = LessonsDuringTraining()
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
            trained.linear.unlearned = meanwhile.unlearned
            self.model.adopt(trained)
        finally:
            self._meanwhile = None


def _nothing(_transaction: Transaction) -> None:
    """Do nothing; used to wait for all earlier works in the writer's queue."""


def _learn(trained: Trained, meanwhile: LessonsDuringTraining) -> None:
    """Add lessons that were committed during the training, as many as one turn of the event loop allows."""
    for lesson in meanwhile.taken(PAGE):
        trained.linear.learn(example_of(lesson).features, lesson.is_spam)


def _try(change: Callable[[Lesson], None], lesson: Lesson) -> bool:
    """Apply a lesson to the model; returns whether it could be applied.

    A lesson of another tokenizer, or one that was never learned, is skipped; the log still has it.
    """
    try:
        change(lesson)
    except (StaleLesson, CorruptFeatures, NotLearnt) as error:
        log.warning("classifier.lesson_passed_over", error=str(error))
        return False
    return True
