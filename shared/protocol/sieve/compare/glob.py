"""The patterns of `:matches` (RFC 5228 §2.7.1): `*` and `?`, with a backslash to quote them.

A pattern is cut at its stars into segments, which are searched from left to right; so no pattern takes more than linear
time in the value for each segment, and each wildcard matches as little as possible (RFC 5229 §3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import AnyStr, Generic

MOST_CAPTURES = 99
"""Wildcards whose matched text a script can use; RFC 5229 §6 demands 9."""
_TRY = 64
"""The work of one attempt to place a segment, in octets."""

Span = tuple[int, int]
Spend = Callable[[int], None]


class Segment(Generic[AnyStr]):
    """What is between two stars: literals at offsets, question marks at others. `anchor` is the longest literal."""

    __slots__ = ("anchor", "length", "literals", "marks")

    def __init__(self, length: int, literals: list[tuple[int, AnyStr]], marks: list[int]) -> None:
        self.length, self.marks = length, marks
        self.literals: list[tuple[int, AnyStr]] = literals
        self.anchor: tuple[int, AnyStr] | None = max(literals, key=lambda literal: len(literal[1]), default=None)

    def fits(self, value: AnyStr, at: int) -> bool:
        """Whether the segment matches at this offset."""
        return at >= 0 and all(value.startswith(literal, at + offset) for offset, literal in self.literals)

    def find(self, value: AnyStr, at: int, end: int, spend: Spend) -> int:
        """The first offset from `at` where the segment matches and ends at or before `end`, or -1."""
        if self.anchor is None:
            return at if at + self.length <= end else -1
        offset, literal = self.anchor
        while True:
            start = value.find(literal, at + offset, end)
            if start < 0 or start - offset + self.length > end:
                return -1
            at = start - offset
            if len(self.literals) == 1:
                return at
            spend(_TRY * len(self.literals))
            if self.fits(value, at):
                return at
            at += 1


class Glob(Generic[AnyStr]):
    """A compiled pattern. The value must be folded as the pattern was."""

    __slots__ = ("_first", "_last", "_middle", "_shortest")

    def __init__(self, segments: list[Segment[AnyStr]]) -> None:
        self._first: Segment[AnyStr] = segments[0]
        self._middle: list[Segment[AnyStr]] = segments[1:-1]
        self._last: Segment[AnyStr] | None = segments[-1] if len(segments) > 1 else None
        self._shortest = sum(segment.length for segment in segments)

    def match(self, value: AnyStr, spend: Spend) -> list[Span] | None:
        """What the wildcards matched, in their order, or None. The work is reported in octets while it is done."""
        size = len(value)
        last = self._last
        spend(size + _TRY)
        if size < self._shortest or (self._first.literals and not self._first.fits(value, 0)):
            return None
        if last is None:
            return _marks(self._first, 0) if size == self._first.length else None
        end = size - last.length
        if last.literals and not last.fits(value, end):
            return None
        spans = _marks(self._first, 0)
        at = self._first.length
        for segment in self._middle:
            start = segment.find(value, at, end, spend)
            if start < 0:
                return None
            spans.append((at, start))
            spans += _marks(segment, start)
            at = start + segment.length
        spans.append((at, end))
        return spans + _marks(last, end)


def _marks(segment: Segment[AnyStr], at: int) -> list[Span]:
    return [(at + offset, at + offset + 1) for offset in segment.marks]


def compile_glob(pattern: AnyStr) -> Glob[AnyStr]:
    """The compiled form of a pattern that is folded as values will be."""
    segments: list[Segment[AnyStr]] = []
    items: list[AnyStr | None] = []
    at = 0
    while at < len(pattern):
        character = pattern[at : at + 1]
        at += 1
        if character in ("*", b"*"):
            segments.append(_segment(pattern[:0], items))
            items = []
        elif character in ("?", b"?"):
            items.append(None)
        elif character in ("\\", b"\\") and at < len(pattern):
            items.append(pattern[at : at + 1])
            at += 1
        else:
            items.append(character)
    segments.append(_segment(pattern[:0], items))
    return Glob(segments)


def _segment(empty: AnyStr, items: list[AnyStr | None]) -> Segment[AnyStr]:
    """A segment of characters, None for a question mark."""
    literals: list[tuple[int, AnyStr]] = []
    marks: list[int] = []
    start = 0
    for offset, item in enumerate([*items, None]):
        if item is None:
            if start < offset:
                literals.append((start, empty.join(kept for kept in items[start:offset] if kept is not None)))
            start = offset + 1
            marks.append(offset)
    return Segment(len(items), literals, marks[:-1])
