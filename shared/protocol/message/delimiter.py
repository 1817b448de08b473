"""Finds the delimiter lines of nested multiparts (RFC 2046 §5.1.1) in bytes that arrive in pieces.

A delimiter is a line of `--` and the boundary, possibly `--`, followed by the line end or by white space and any text
("an exact match of the entire candidate line is not required"). So a boundary that is the prefix of another one is
distinguished from it. When a boundary is open twice, the inner one is meant. No delimiter line is longer than 1000
bytes, so what must be held back is bounded.

The work is one search for fixed bytes, and one dictionary look-up for each line that begins with them. It does not grow
with the number of open boundaries, and no regular expression is built from a boundary.
"""

import re
from typing import NamedTuple

MAX_LINE = 1000
# After so many lines that only look like a delimiter, lines are recognised by a pattern: it costs more to start, but
# less for each line.
_PATIENCE = 32
_LONGEST_NEEDLE = 70
_SPACE = re.compile(rb"[ \t]")
_WORD = re.compile(rb"\n--([^ \t\r\n]*+)(?=[ \t]|\r*+(?:\n|\Z))")
_LINE = re.compile(rb"\n--([^\n]*+)")


class Delimiter(NamedTuple):
    """A delimiter line.

    `start` is the end of the content before it (the line break belongs to the delimiter), `stop` is behind the line.
    `level` is the index of the open boundary; `closing` means `--boundary--`.
    """

    start: int
    stop: int
    level: int
    closing: bool


class Delimiters:
    """The open boundaries, outermost first."""

    def __init__(self) -> None:
        self._open: list[bytes] = []
        self._levels: dict[bytes, int] = {}
        # for each open boundary the level at which the same boundary is also open, or None
        self._outer: list[int | None] = []
        self._needles: list[bytes] = []  # for each number of open boundaries the bytes with which all of them begin
        self._spaced = 0

    def __len__(self) -> int:
        return len(self._open)

    def push(self, boundary: bytes) -> None:
        """Open a boundary, because a multipart begins."""
        needle = b"\n--" + boundary[:_LONGEST_NEEDLE]
        self._needles.append(_shared_start(self._needles[-1], needle) if self._needles else needle)
        self._outer.append(self._levels.get(boundary))
        self._levels[boundary] = len(self._open)
        self._open.append(boundary)
        self._spaced += _is_spaced(boundary)

    def truncate(self, count: int) -> None:
        """Close all but the outermost `count` boundaries."""
        while len(self._open) > count:
            boundary, outer = self._open.pop(), self._outer.pop()
            self._needles.pop()
            self._spaced -= _is_spaced(boundary)
            if outer is None:
                del self._levels[boundary]
            else:
                self._levels[boundary] = outer

    def find(self, data: bytes, start: int, stop: int, final: bool) -> Delimiter | None:
        """The first complete delimiter whose line begins after a `\n` at or behind `start` and ends before `stop`.

        `final`: nothing follows `stop`, so the last line needs no line end.
        """
        if not self._open:
            return None
        needle = self._needles[-1]
        at = data.find(needle, start, stop)
        for _ in range(_PATIENCE):
            if at < 0:
                return None
            if delimiter := self._delimiter(data, at, stop, final):
                return delimiter
            at = data.find(needle, at + 3, stop)
        return self._find_among_many(data, at, stop, final) if at >= 0 else None

    def _find_among_many(self, data: bytes, start: int, stop: int, final: bool) -> Delimiter | None:
        levels, spaced = self._levels, self._spaced > 0
        for match in (_LINE if spaced else _WORD).finditer(data, start, stop):
            line = match[1].rstrip(b" \t\r") if spaced else match[1]
            word = line.partition(b" ")[0].partition(b"\t")[0] if spaced else line
            if (word in levels or word[:-2] in levels or line in levels or line[:-2] in levels) and (
                delimiter := self._delimiter(data, match.start(), stop, final)
            ):
                return delimiter
        return None

    def _delimiter(self, data: bytes, at: int, stop: int, final: bool) -> Delimiter | None:
        end = data.find(b"\n", at + 1, min(stop, at + MAX_LINE))
        if end < 0:
            if not final or stop - at > MAX_LINE:
                return None
            end = stop
        line = data[at + 3 : end].rstrip(b" \t\r")
        delimiter = self._meaning(line) or self._word_meaning(line)
        return delimiter and Delimiter(at - (data[at - 1 : at] == b"\r"), min(end + 1, stop), *delimiter)

    def _meaning(self, line: bytes) -> tuple[int, bool] | None:
        """(level, closing) of the text after the first two hyphens.

        `x--` may be the boundary `x--` or the end of `x`.
        """
        if (level := self._levels.get(line)) is not None:
            return level, False
        level = self._levels.get(line[:-2]) if line.endswith(b"--") else None
        return None if level is None else (level, True)

    def _word_meaning(self, line: bytes) -> tuple[int, bool] | None:
        """Like `_meaning`, but of the text before white space.

        `x --` is the end of `x`, because some senders have boundaries that end with a space.
        """
        word, *rest = _SPACE.split(line, 1)
        if rest and rest[0].strip() == b"--":
            level = self._levels.get(word)
            return None if level is None else (level, True)
        return self._meaning(word)


def resume(data: bytes, start: int) -> int:
    """The offset at which to continue with more bytes: the last line break, if its line may become a delimiter."""
    at = data.rfind(b"\n", max(start, len(data) - MAX_LINE))
    return at if at >= 0 else len(data)


def _is_spaced(boundary: bytes) -> bool:
    return b" " in boundary or b"\t" in boundary or b"\r" in boundary


def _shared_start(first: bytes, second: bytes) -> bytes:
    return next((first[:n] for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(first, second))
