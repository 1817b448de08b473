"""Where the keys of a query hit a text: ranges of the text as it was stored, in code points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shared.protocol.message.folding import Unfolding, fold
from shared.protocol.search.query import HeaderKey, QueryKey, TextKey, WordKey
from shared.protocol.search.words import (
    LONGEST_TOKEN,
    PlacedWord,
    QueryWords,
    is_unspaced,
    occurs,
    placed_words,
    words,
)

MOST_EXAMINED = 1 << 18
"""Code points of a text in which hits are looked for."""
MOST_HITS = 40
"""Hits of a key in a text. Further ones are not looked for."""
_PAGE = 2048
_SHARED = 256
"""Code points that a page shares with the next one, so that a phrase across the border is found."""
# Pieces between characters that certainly separate words; a word may have other separators in front, as in «word».
_SEPARATOR = re.compile(r"[\s\x00-/:-@\[-`{-\x7f\u3001-\u3004\u3008-\u3020\uff01-\uff0f\uff1a-\uff20]")
_PIECE = re.compile(r"[^\s\x00-/:-@\[-`{-\x7f\u3001-\u3004\u3008-\u3020\uff01-\uff0f\uff1a-\uff20]+")


class KeyHit(NamedTuple):
    """A range of the text, and the number of the key that hits there."""

    start: int
    end: int
    key: int


def hits(text: str, keys: Sequence[QueryKey]) -> list[KeyHit]:
    """The hits of the keys that look for text, by their places."""
    examined = text[:MOST_EXAMINED]
    word_keys = [(number, key.words) for number, key in enumerate(keys) if isinstance(key, WordKey)]
    texts = [
        (number, key.text) for number, key in enumerate(keys) if isinstance(key, (TextKey, HeaderKey)) and key.text
    ]
    return sorted({*_word_hits(examined, word_keys), *_text_hits(examined, texts)})


def _text_hits(text: str, sought: list[tuple[int, str]]) -> Iterator[KeyHit]:
    if not sought:
        return
    folded, unfolding = fold(text), Unfolding(text)
    for number, part in sought:
        needle = fold(part)
        at = folded.find(needle)
        for _ in range(MOST_HITS):
            if at < 0:
                break
            yield KeyHit(*unfolding.original(at, at + len(needle)), number)
            at = folded.find(needle, at + len(needle))


def _word_hits(text: str, sought: list[tuple[int, QueryWords]]) -> Iterator[KeyHit]:
    left = {number: MOST_HITS for number, query in sought if query.tokens}
    for start, page in _pages(text):
        if not left:
            return
        normalised = words(page)
        present = [(number, query) for number, query in sought if number in left and occurs(query, normalised)]
        placed = _placed(page, [query for _, query in present])
        for number, query in present:
            for low, high in _occurrences(query, placed, left[number]):
                yield KeyHit(start + low, start + high, number)
                left[number] -= 1
            if not left[number]:
                del left[number]


def _pages(text: str) -> Iterator[tuple[int, str]]:
    """Pages that share some code points, with their offsets. They begin and end at a separator where there is any."""
    start = 0
    while start < len(text):
        end = _separator(text, start + _PAGE)
        yield start, text[start:end]
        if end >= len(text):
            return
        start = _separator(text, end - _SHARED)


def _separator(text: str, at: int) -> int:
    """The first separator behind a place, or the place itself if there is none near it."""
    match = _SEPARATOR.search(text, at, at + _SHARED - 1)
    return match.start() if match else min(at, len(text))


def _placed(page: str, queries: list[QueryWords]) -> list[PlacedWord]:
    """The tokens of a page. Tokens of pieces in which no query has a token have the place of the piece."""
    if not queries:
        return []
    whole = {token for query in queries for token in query.tokens}
    beginnings = tuple(query.tokens[-1] for query in queries if query.prefix)
    placed: list[PlacedWord] = []
    for piece in _PIECE.finditer(page):
        start, end, text = piece.start(), piece.end(), piece[0]
        if text.isascii():
            placed.append(PlacedWord(text.lower()[:LONGEST_TOKEN], start, end, start + 1))
            continue
        tokens = words(text).split()
        if whole.isdisjoint(tokens) and not any(token.startswith(beginnings) for token in tokens):
            placed += (PlacedWord(token, start, end, end) for token in tokens)
        else:
            placed += (PlacedWord(token, start + a, start + b, start + c) for token, a, b, c in placed_words(text))
    return placed


def _occurrences(query: QueryWords, placed: list[PlacedWord], most: int) -> Iterator[tuple[int, int]]:
    """The ranges in which the tokens of a query follow each other; the first ones, up to a number."""
    last = len(query.tokens) - 1
    for at in range(len(placed) - last):
        run = placed[at : at + last + 1]
        if most and _equal(query, (word.text for word in run)):
            most -= 1
            only_first = query.prefix and is_unspaced(query.tokens[last])
            yield run[0].start, run[last].first_end if only_first else run[last].end


def _equal(query: QueryWords, tokens: Iterable[str]) -> bool:
    *before, last = tokens
    *sought, sought_last = query.tokens
    return before == sought and (last.startswith(sought_last) if query.prefix else last == sought_last)
