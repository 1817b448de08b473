"""Free text in events: what is searched, its words, and when an event says a text.

An event says a text when its words contain those of the text, each from its beginning, and the text stands in it with
a word beginning where the text begins. Every engine finds candidates by words and verifies them with `says`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.eventlog.domain.fields import decoded

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 64
_TEXT_LIMIT = 65_536
"""Characters of an event that are searched."""
_DEEPEST = 20
_ENCODED = frozenset({"prefix", "header", "headers", "added", "blob"})
"""Fields with octets in base 64, or names of blobs."""


def text_of(event_type: str, stream: str, actor: str, data: bytes) -> str:
    """The text of an event: its type, stream, actor, and all texts and numbers in its data, folded."""
    parts, size = [], 0
    for part in (event_type, stream, actor, *_texts(decoded(data), 0)):
        parts.append(part)
        size += len(part) + 1
        if size > _TEXT_LIMIT:
            break
    return "\n".join(parts).casefold()[:_TEXT_LIMIT]


def words_of(text: str) -> list[str]:
    """The words of a folded text, each once, in order, cut to the length that an index keeps."""
    words: dict[str, None] = {}
    for match in _WORD.finditer(text):
        words[match[0][:_LONGEST_WORD]] = None
    return list(words)


def needles_of(text: str) -> list[str]:
    """The words of a text that is searched; none when it has no letter and no digit."""
    return words_of(text.strip().casefold())[:16]


def says(text: str, sought: str) -> bool:
    """Whether a folded text of an event says what is sought: at the beginning of a word."""
    folded = sought.strip().casefold()
    start = text.find(folded)
    while start >= 0:
        if start == 0 or not (text[start - 1].isalnum() and folded[:1].isalnum()):
            return True
        start = text.find(folded, start + 1)
    return False


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, inner in value.items():
            if name not in _ENCODED:
                yield from _texts(inner, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)
