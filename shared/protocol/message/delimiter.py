"""Finding the delimiter lines of nested multiparts (RFC 2046 §5.1.1) in bytes that come in pieces.

A delimiter is a line of `--` boundary, perhaps `--`, then the line ends or white space follows with anything behind it
("an exact match of the entire candidate line is not required"). So a boundary that is the prefix of another is kept
apart from it. When a boundary is open twice, the inner one is meant. No delimiter line is longer than 1000 bytes, so
what must be held back is bounded.

The work is one search for fixed bytes, and for each line that they begin one look-up in a dictionary: it does not grow
with the number of open boundaries, and no pattern is ever made of a boundary.
"""

import re
from typing import NamedTuple

MAX_LINE = 1000
# After so many lines that look like a delimiter and are none, lines are told apart by a pattern: it costs more to begin
# with, and less for each line.
_PATIENCE = 32
_LONGEST_NEEDLE = 70
_SPACE = re.compile(rb"[ \t]")
_WORD = re.compile(rb"\n--([^ \t\r\n]*+)(?=[ \t]|\r*+(?:\n|\Z))")
_LINE = re.compile(rb"\n--([^\n]*+)")


class Delimiter(NamedTuple):
    """`start`: where the content before it ends (its line break belongs to the delimiter), `stop`: after the line;
    `level`: which of the open boundaries; `closing`: `--boundary--`."""

    start: int
    stop: int
    level: int
    closing: bool


class Delimiters:
    """The boundaries that are open now, outermost first."""

    def __init__(self) -> None:
        self._open: list[bytes] = []
        self._levels: dict[bytes, int] = {}
        self._outer: list[int | None] = []  # of each open boundary, the level at which the same one is open outside
        self._needles: list[bytes] = []  # for each number of open boundaries, what they begin with
        self._spaced = 0

    def __len__(self) -> int:
        return len(self._open)

    def push(self, boundary: bytes) -> None:
        """A multipart has begun."""
        needle = b"\n--" + boundary[:_LONGEST_NEEDLE]
        self._needles.append(_shared_start(self._needles[-1], needle) if self._needles else needle)
        self._outer.append(self._levels.get(boundary))
        self._levels[boundary] = len(self._open)
        self._open.append(boundary)
        self._spaced += _is_spaced(boundary)

    def truncate(self, count: int) -> None:
        """Only the outermost `count` stay open."""
        while len(self._open) > count:
            boundary, outer = self._open.pop(), self._outer.pop()
            self._needles.pop()
            self._spaced -= _is_spaced(boundary)
            if outer is None:
                del self._levels[boundary]
            else:
                self._levels[boundary] = outer

    def find(self, data: bytes, start: int, stop: int, final: bool) -> Delimiter | None:
        """The first delimiter whose line begins after a `\\n` at or behind `start` and is complete before `stop`.

        `final`: nothing follows `stop`, so a last line needs no line ending.
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
        """(level, closing) of the text behind the first two hyphens; `x--` may be the boundary `x--` as well as the end
        of `x`.
        """
        if (level := self._levels.get(line)) is not None:
            return level, False
        level = self._levels.get(line[:-2]) if line.endswith(b"--") else None
        return None if level is None else (level, True)

    def _word_meaning(self, line: bytes) -> tuple[int, bool] | None:
        """As `_meaning`, without what stands behind white space; `x --` is the end of `x`, for there are senders whose
        boundary ended with a space.
        """
        word, *rest = _SPACE.split(line, 1)
        if rest and rest[0].strip() == b"--":
            level = self._levels.get(word)
            return None if level is None else (level, True)
        return self._meaning(word)


def resume(data: bytes, start: int) -> int:
    """Where to look on when more bytes come: at the last line break, if the line after it may yet become a
    delimiter."""
    at = data.rfind(b"\n", max(start, len(data) - MAX_LINE))
    return at if at >= 0 else len(data)


def _is_spaced(boundary: bytes) -> bool:
    return b" " in boundary or b"\t" in boundary or b"\r" in boundary


def _shared_start(first: bytes, second: bytes) -> bytes:
    return next((first[:n] for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(first, second))
