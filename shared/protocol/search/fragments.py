"""Chooses the fragment of a text that a snippet shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.protocol.search.hits import hits
from shared.protocol.search.query import QueryKey

PREVIEW_OCTETS = 255
"""Octets of a preview as HTML in UTF-8 (RFC 8621 §5)."""
_MARK_OCTETS = len("<mark></mark>")
_MOST_MARKS = 400
"""Marks of a text among which the best are chosen."""
_LEAD = 48
"""Code points in front of the first hit, at most."""
_LAST_WORD = 24
"""Code points that a fragment may be shorter in order to end with a word."""
_SPACE = re.compile(r"\s")


class MarkedRange(NamedTuple):
    """A range of the text that is marked, and the keys that hit in it."""

    start: int
    end: int
    keys: frozenset[int]


class Fragment(NamedTuple):
    """A part of a text. With its context it may reach from `first` to `last`, where other marks are."""

    text: str
    start: int
    end: int
    marks: Sequence[MarkedRange]
    first: int
    last: int

    @property
    def worth(self) -> tuple[int, int]:
        """The number of keys that hit in it, and the number of marks."""
        return len({key for mark in self.marks for key in mark.keys}), len(self.marks)


def marks_of(text: str, sought: Sequence[QueryKey]) -> list[MarkedRange]:
    """The hits of the keys. Those that overlap or touch are one mark."""
    marks: list[MarkedRange] = []
    for start, end, key in hits(text, sought):
        if marks and start <= marks[-1].end:
            last = marks.pop()
            marks.append(MarkedRange(last.start, max(last.end, end), last.keys | {key}))
        else:
            marks.append(MarkedRange(start, end, frozenset((key,))))
    return marks


def best_window(text: str, marks: Sequence[MarkedRange]) -> Fragment:
    """The neighbouring marks that fit into a preview and are worth most; the earliest of equals."""
    windows = (_window(text, marks, first) for first in range(min(len(marks), _MOST_MARKS)))
    return max(windows, key=lambda window: window.worth)  # the first of the largest


def with_context(fragment: Fragment) -> Fragment:
    """The fragment with as much of the text around it as fits. A mark that is too large is cut."""
    text, start, end, marks, first, last = fragment
    room = PREVIEW_OCTETS - _MARK_OCTETS * len(marks)
    if not _fits(text, marks):
        end = _reach(text, start, end, room)
        return fragment._replace(end=end, marks=[MarkedRange(start, end, marks[0].keys)])
    room -= octets(text[start:end])
    begin = _lead(text, max(first, start - _LEAD), start, room // 2)
    room -= octets(text[begin:start])
    return fragment._replace(start=begin, end=_word_end(text, end, _reach(text, end, last, room), last))


def octets(text: str) -> int:
    """The octets of a text as HTML in UTF-8."""
    escapes = 4 * text.count("&") + 3 * text.count("<") + 3 * text.count(">")
    return len(text.encode("utf-8", "surrogatepass")) + escapes


def _window(text: str, marks: Sequence[MarkedRange], first: int) -> Fragment:
    end = first + 1
    while end < len(marks) and _fits(text, marks[first : end + 1]):
        end += 1
    before = marks[first - 1].end if first else 0
    after = marks[end].start if end < len(marks) else len(text)
    return Fragment(text, marks[first].start, marks[end - 1].end, marks[first:end], before, after)


def _fits(text: str, marks: Sequence[MarkedRange]) -> bool:
    start, end = marks[0].start, marks[-1].end
    return end - start <= PREVIEW_OCTETS and octets(text[start:end]) + _MARK_OCTETS * len(marks) <= PREVIEW_OCTETS


def _reach(text: str, start: int, last: int, room: int) -> int:
    """How far the text may be shown from here."""
    at = start
    while at < last:
        room -= octets(text[at])
        if room < 0:
            break
        at += 1
    return at


def _lead(text: str, first: int, start: int, room: int) -> int:
    """Where the text in front of the marks begins: with a word, if there is room for one."""
    at = start
    while at > first:
        room -= octets(text[at - 1])
        if room < 0:
            break
        at -= 1
    if at == 0 or text[at - 1].isspace():
        return at
    space = _SPACE.search(text, at, start)
    return space.end() if space else at


def _word_end(text: str, end: int, at: int, last: int) -> int:
    """The end of the last whole word before `at`, if it is near."""
    if at == last:
        return at
    space = max(text.rfind(character, max(end, at - _LAST_WORD), at + 1) for character in " \n\u3000")
    return space if space >= 0 else at
