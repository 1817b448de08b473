"""What accounts have taught themselves: made from their lessons when a mail of theirs is judged, kept until they teach
again.
"""

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
"""Lessons of an account that are looked at: at most some 10 ms of a thread, and 0.6 MB."""
MOST_TOKENS = 2_000_000
"""Distinct tokens in memory, all accounts together: 24 MB."""
_LESSONS = (
    f"SELECT label, tokenizer, features FROM lesson WHERE account = ? ORDER BY at DESC, version DESC LIMIT {NEWEST}"  # noqa: S608
)


class OwnEvidence:
    """The evidence of accounts, those asked for last in memory."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._kept: dict[str, AccountCounts] = {}
        self._silent: set[str] = set()
        """Accounts that are known to have taught nothing: most of them."""
        self._taught: Counter[str] = Counter()
        self._lock = asyncio.Lock()

    async def of(self, account: str) -> AccountCounts | None:
        """The evidence of an account; None when it has taught nothing."""
        if not account or account in self._silent:
            return None
        async with self._lock:
            if (evidence := self._kept.pop(account, None)) is None:
                return await self._made(account)
            self._kept[account] = evidence
            return evidence

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Forget what lessons have changed."""
        for committed_event in recorded:
            match committed_event.event:
                case LessonLearned(account) | LessonForgotten(account):
                    self._taught[account] += 1
                    self._kept.pop(account, None)
                    self._silent.discard(account)
                case _:
                    pass

    async def _made(self, account: str) -> AccountCounts | None:
        before = self._taught[account]
        rows = await self._store.read(lambda reader: reader.all(_LESSONS, (account,)))
        made = await asyncio.to_thread(AccountCounts, _examples(rows)) if rows else None
        if (
            before == self._taught[account]
        ):  # else it taught meanwhile: good enough for this mail, made anew for the next
            self._keep(account, made)
        return made if made else None

    def _keep(self, account: str, made: AccountCounts | None) -> None:
        if not made:
            self._silent.add(account)
            return
        self._kept[account] = made
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > MOST_TOKENS:
            del self._kept[next(iter(self._kept))]


def _examples(rows: Sequence[Row]) -> Iterator[tuple[Indices, bool]]:
    for label, tokenizer, features in rows:
        if tokenizer == TOKENIZER_VERSION:
            with contextlib.suppress(CorruptFeatures):
                yield unpack_set(unpack(bytes(features))[0], TOKEN_SIZE), label == Label.SPAM.value
