"""The evidence of single accounts, made from their lessons when they get mail, and kept until their lessons change."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence

from services.classifier.domain.compact import CorruptFeatures, unpack_set
from services.classifier.domain.evidence import AccountCounts
from services.classifier.domain.features import TOKENIZER_VERSION
from services.classifier.domain.hashing import TOKEN_SIZE, Indices
from services.classifier.domain.lesson import Label
from services.classifier.projections.lessons import unpack
from shared.events.spam import LessonForgotten, LessonLearned
from shared.eventstore.connection import Row
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore

NEWEST = 100
"""Newest lessons of an account that are used: at most some 10 ms of a thread, and 0.6 MB."""
MOST_TOKENS = 2_000_000
"""Distinct tokens kept in memory for all accounts together: 24 MB."""
_LESSONS = (
    f"SELECT label, tokenizer, features FROM lesson WHERE account = ? ORDER BY at DESC, version DESC LIMIT {NEWEST}"  # noqa: S608
)


class OwnEvidence:
    """A cache of the evidence of accounts; the least recently used is dropped first."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._kept: dict[str, AccountCounts] = {}
        self._without_lessons: set[str] = set()
        """Accounts without lessons, which most accounts are."""
        self._taught: Counter[str] = Counter()
        self._lock = asyncio.Lock()

    async def evidence_of(self, account: str) -> AccountCounts | None:
        """The evidence of an account; None when it has taught nothing."""
        if not account or account in self._without_lessons:
            return None
        async with self._lock:
            if (evidence := self._kept.pop(account, None)) is None:
                return await self._count_lessons(account)
            self._kept[account] = evidence
            return evidence

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Drop the evidence of accounts whose lessons have changed."""
        for committed_event in recorded:
            match committed_event.event:
                case LessonLearned(account) | LessonForgotten(account):
                    self._taught[account] += 1
                    self._kept.pop(account, None)
                    self._without_lessons.discard(account)
                case _:
                    pass

    async def _count_lessons(self, account: str) -> AccountCounts | None:
        before = self._taught[account]
        rows = await self._store.read(lambda reader: reader.all(_LESSONS, (account,)))
        made = await asyncio.to_thread(AccountCounts, _examples(rows)) if rows else None
        # When a lesson was committed meanwhile, the evidence serves this mail alone, and the next mail makes it anew.
        if before == self._taught[account]:
            self._keep(account, made)
        return made if made else None

    def _keep(self, account: str, made: AccountCounts | None) -> None:
        if not made:
            self._without_lessons.add(account)
            return
        self._kept[account] = made
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > MOST_TOKENS:
            del self._kept[next(iter(self._kept))]


def _examples(rows: Sequence[Row]) -> Iterator[tuple[Indices, bool]]:
    for label, tokenizer, features in rows:
        if tokenizer == TOKENIZER_VERSION:
            with contextlib.suppress(CorruptFeatures):
                yield unpack_set(unpack(bytes(features))[0], TOKEN_SIZE), label == Label.SPAM.value
