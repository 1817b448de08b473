"""Reads the lessons in force page by page: all of them for the counts, the newest for a training."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from services.classifier.domain.compact import CorruptFeatures
from services.classifier.domain.features import PackedFeatures
from services.classifier.domain.lesson import Label, Lesson, StaleLesson
from services.classifier.domain.training import Example, Newest, example_of
from services.classifier.projections.lessons import unpack
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore

PAGE = 25
"""Lessons decoded in one turn of the event loop: some 8 ms for usual lessons, 25 ms for the largest."""
_KEYS_PAGE = 500
_BEFORE_ALL: Row = (-1, "", -1)
_AFTER_ALL: Row = (1 << 62, "", -1)
_ORDERED = (
    "SELECT at, account, version, label, tokenizer, features FROM lesson WHERE (at, account, version) > (?, ?, ?)"
    " ORDER BY at, account, version LIMIT ?"
)
_KEYS = (
    "SELECT at, account, version, label, content FROM lesson WHERE (at, account, version) < (?, ?, ?)"
    " ORDER BY at DESC, account DESC, version DESC LIMIT ?"
)
_BY_CONTENT = "SELECT account, label, tokenizer, features FROM lesson WHERE account = ? AND content = ?"


class ValidLessons:
    """The lessons in force, read from their rows."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def all(self) -> AsyncIterator[Lesson]:
        """All lessons, oldest first."""
        after = _BEFORE_ALL
        while rows := await self._store.read(_query(_ORDERED, (*after, PAGE))):
            for _, account, _, label, tokenizer, features in rows:
                yield lesson_from(account, label, tokenizer, unpack(bytes(features)))
            after = rows[-1][:3]
            await asyncio.sleep(0)

    async def newest(self) -> list[Example]:
        """The lessons that a training uses, oldest first.

        Lessons beyond the training's limits are not decoded. While only one label has room left, lessons of the other
        label are skipped by their keys.
        """
        newest = Newest()
        examples: list[Example] = []
        keys = await self._keys(_AFTER_ALL)
        while keys and not newest.is_full:
            for start in range(0, len(keys), PAGE):
                examples += await self._examples(keys[start : start + PAGE], newest)
            keys = await self._keys(keys[-1][:3])
        return examples[::-1]

    async def _keys(self, before: Row) -> list[Row]:
        """A page of lessons, newest first, without their features: time, account, version, label and content."""
        await asyncio.sleep(0)
        return await self._store.read(_query(_KEYS, (*before, _KEYS_PAGE)))

    async def _examples(self, keys: Sequence[Row], newest: Newest) -> list[Example]:
        chosen = [key for key in keys if newest.has_room(Label(key[3]) is Label.SPAM)]
        if not chosen:
            return []
        await asyncio.sleep(0)
        rows = await self._store.read(
            lambda reader: [reader.first_row(_BY_CONTENT, (key[1], key[4])) for key in chosen]
        )
        examples = (_example(row) for row in rows if row is not None)
        return [example for example in examples if example is not None and _is_taken(example, newest)]


def lesson_from(account: str, label: str, tokenizer: int, features: tuple[bytes, ...]) -> Lesson:
    """The lesson with these values from its event or row."""
    # Lessons of another tokenizer may be packed in another way; the model rejects them by their version.
    is_known = len(features) == len(PackedFeatures._fields)
    return Lesson(
        account, Label(label), tokenizer, PackedFeatures(*features) if is_known else PackedFeatures(b"", b"", b"")
    )


def _is_taken(example: Example, newest: Newest) -> bool:
    has_room = newest.has_room(example.is_spam)
    if has_room:
        newest.count(example)
    return has_room


def _example(row: Row) -> Example | None:
    account, label, tokenizer, features = row
    try:
        return example_of(lesson_from(account, label, tokenizer, unpack(bytes(features))))
    except (CorruptFeatures, StaleLesson):
        return None


def _query(sql: str, parameters: Row) -> Callable[[Reader], list[Row]]:
    return lambda reader: reader.all(sql, parameters)
