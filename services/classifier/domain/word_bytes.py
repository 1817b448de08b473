"""Splits a text into words as bytes, three times as fast as the patterns of `words`.

The words are the same as those of `words`. Its patterns are still used for what is rare: chunks (text between white
space) with amounts, rows of exclamation marks or unusual characters; runs of characters longer than a word; and texts
with many different non-ASCII characters.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

from services.classifier.domain.strange import Strange, lowered, strange_characters
from services.classifier.domain.words import LONGEST, YEARS, words

MOST_STRANGE = 60
MOST_CHUNKS = 100

_JOINERS = b"_'.-"
_WORD_CHARACTERS = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + _JOINERS + bytes(range(0x80, 0x100))
)
_SPACES = bytes(0x20 if byte <= 0x20 else byte for byte in range(256))
_INNER = bytes(byte if byte in _WORD_CHARACTERS else 0x20 for byte in range(256))
_NOT_SMALL = bytes(0x20 if byte < 0x80 and chr(byte).islower() else inner for byte, inner in enumerate(_INNER))
# Replaces a chunk that the patterns read. It is longer than a word and no byte of UTF-8, so it cannot be a word itself.
_CHUNK = b"\xff" * (LONGEST + 1)
_LEAST_SHOUT = 4
_YEARS = frozenset(year.encode() for year in YEARS)
_CENTURIES = frozenset(year[:2] for year in _YEARS)
_FIRST_WIDE = "\u2e80"


class Words(NamedTuple):
    """The words of a text in lower case (UTF-8), without numbers of years.

    `shouted` has tokens for words of more than three letters in capitals; `seen` counts all words, with the years.
    """

    words: list[bytes]
    shouted: list[str]
    seen: int


class _Prepared(NamedTuple):
    """A text prepared for splitting, and the words of the chunks that were removed from it."""

    data: bytes
    chunks: list[list[bytes]]


def read_words(text: str, room: int) -> Words:
    """The first `room` words of a text."""
    data = text.encode("utf-8", "replace")
    strange = strange_characters(data)
    prepared = _prepared(data, strange) if len(strange) <= MOST_STRANGE else None
    if prepared is None:
        return _described([word.encode("utf-8", "replace") for word in words(text)[:room]], strange)
    if not prepared.chunks and not _grows(strange) and not _may_shout(prepared.data, strange):
        split_words = _split(lowered(prepared.data, strange), prepared.chunks)[:room]
        return Words(_without_years(split_words, data), [], len(split_words))
    return _described(_split(prepared.data, prepared.chunks)[:room], strange)


def _described(words: list[bytes], strange: Strange) -> Words:
    """The words in lower case, from words as they were written."""
    low = lowered(b" ".join(words), strange)
    return Words(_without_years(low.split(b" "), low) if words else [], _shouted_words(words, strange), len(words))


def _shouted_words(words: list[bytes], strange: Strange) -> list[str]:
    may_be = words if _have_capitals(strange) else [word for word in words if word.isupper()]
    texts = [word.decode() for word in may_be if len(word) >= _LEAST_SHOUT]
    return [f"^{text.lower()}" for text in texts if len(text) >= _LEAST_SHOUT and text.isupper()]


def _may_shout(data: bytes, strange: Strange) -> bool:
    """Whether the text has a run of characters without small letters that is long enough to be a shouted word."""
    runs = [run for run in data.translate(_NOT_SMALL).split() if len(run) >= _LEAST_SHOUT]
    return any(map(str.isupper, map(bytes.decode, runs)) if _have_capitals(strange) else map(bytes.isupper, runs))


def _grows(strange: Strange) -> bool:
    """Whether a character becomes several in lower case, as İ does: a long run is cut before that."""
    return any(len(char.lower()) > 1 for char in strange)


def _have_capitals(strange: Strange) -> bool:
    return any(map(str.isupper, strange))


def _without_years(words: list[bytes], data: bytes) -> list[bytes]:
    if not any(century in data for century in _CENTURIES) or _YEARS.isdisjoint(words):
        return words
    return [word for word in words if word not in _YEARS]


def _prepared(data: bytes, strange: Strange) -> _Prepared | None:
    """Prepare a text for splitting; None when the patterns should read all of it."""
    marks = [mark for mark in (b"$", b"!!") if mark in data]
    for char in strange:
        if (prepared := _spaced(char)) is None:
            marks.append(char.encode())
        elif prepared != char:
            data = data.replace(char.encode(), prepared.encode())
    chunks = sorted(set(_chunks(data.translate(_SPACES), marks))) if marks else []
    if len(chunks) > MOST_CHUNKS:
        return None
    taken = [[word.encode() for word in words(data[start:end].decode())] for start, end in chunks]
    return _Prepared(_without(data, chunks).translate(_INNER), taken)


def _spaced(char: str) -> str | None:
    """A non-ASCII character, with white space where words end; None when the patterns must read its chunk."""
    if char >= _FIRST_WIDE:
        return f" {char} "
    if char.isalnum():
        return char
    return " " if char <= "\xa0" or "\u2000" <= char <= "\u206f" else None


def _chunks(spaced: bytes, marks: list[bytes]) -> Iterator[tuple[int, int]]:
    """The start and end of each chunk that holds a mark."""
    for mark in marks:
        at = spaced.find(mark)
        while at >= 0:
            if (end := spaced.find(b" ", at)) < 0:
                end = len(spaced)
            yield spaced.rfind(b" ", 0, at) + 1, end
            at = spaced.find(mark, end)


def _without(data: bytes, chunks: list[tuple[int, int]]) -> bytes:
    if not chunks:
        return data
    starts, ends = zip(*chunks, strict=True)
    between = [data[start:end] for start, end in zip((0, *ends), (*starts, len(data)), strict=True)]
    return (b" " + _CHUNK + b" ").join(between)


def _split(data: bytes, chunks: list[list[bytes]]) -> list[bytes]:
    # Remove joining characters at the ends of words: a word never begins or ends with them.
    pieces = list(filter(None, map(bytes.strip, data.split(), repeat(_JOINERS))))
    if len(max(pieces, key=len, default=b"")) <= LONGEST:
        return pieces
    taken = iter(chunks)
    return [
        word
        for piece in pieces
        for word in ((piece,) if len(piece) <= LONGEST else next(taken) if piece == _CHUNK else _cut(piece))
    ]


def _cut(run: bytes) -> list[bytes]:
    """The words of a long run, read by the patterns."""
    return [word.encode() for word in words(run.decode())]
