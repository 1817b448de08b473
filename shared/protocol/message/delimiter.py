"""Finding the delimiter lines of nested multiparts (RFC 2046 §5.1.1) in bytes that come in pieces.

A delimiter is a line of `--` boundary, perhaps `--`, then the line ends or white space follows with anything behind it
("an exact match of the entire candidate line is not required"). So a boundary that is the prefix of another is kept
apart from it. When a boundary is open twice, the inner one is meant. No delimiter line is longer than 1000 bytes, so
what must be held back is bounded.
"""

import re
from typing import NamedTuple

MAX_LINE = 1000
# After so many lines that look like a delimiter and are none, one compiled pattern looks for all boundaries at once:
# it costs 0.3 ms to make and never again more than the bytes it passes.
_PATIENCE = 32
_SPACE = re.compile(rb"[ \t]")


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
        self._changed()

    def __len__(self) -> int:
        return len(self._open)

    def push(self, boundary: bytes) -> None:
        """A multipart has begun."""
        self._open.append(boundary)
        self._changed()

    def truncate(self, count: int) -> None:
        """Only the outermost `count` stay open."""
        if count < len(self._open):
            del self._open[count:]
            self._changed()

    def _changed(self) -> None:
        self._levels = {boundary: level for level, boundary in enumerate(self._open)}
        self._needle = b"\n--" + _shared_start(self._open)
        self._misses = 0
        self._pattern: re.Pattern[bytes] | None = None

    def find(self, data: bytes, start: int, stop: int, final: bool) -> Delimiter | None:
        """The first delimiter whose line begins after a `\\n` at or behind `start` and is complete before `stop`.

        `final`: nothing follows `stop`, so a last line needs no line ending.
        """
        if not self._open:
            return None
        at = self._candidate(data, start, stop)
        while at >= 0:
            if found := self._delimiter(data, at, stop, final):
                return found
            self._misses += 1
            at = self._candidate(data, at + 3, stop)
        return None

    def _candidate(self, data: bytes, start: int, stop: int) -> int:
        if self._misses < _PATIENCE:
            return data.find(self._needle, start, stop)
        match = (self._pattern or self._compiled()).search(data, start, stop)
        return match.start() if match else -1

    def _compiled(self) -> re.Pattern[bytes]:
        longest_first = sorted(map(re.escape, self._levels), key=len, reverse=True)
        self._pattern = re.compile(rb"\n--(?:" + b"|".join(longest_first) + rb")(?:--)?(?:[ \t\r\n]|\Z)")
        return self._pattern

    def _delimiter(self, data: bytes, at: int, stop: int, final: bool) -> Delimiter | None:
        end = data.find(b"\n", at + 1, min(stop, at + MAX_LINE))
        if end < 0:
            if not final or stop - at > MAX_LINE:
                return None
            end = stop
        line = data[at + 3 : end].rstrip(b" \t\r")
        found = self._meaning(line) or self._meaning(_first_word(line))
        return found and Delimiter(at - (data[at - 1 : at] == b"\r"), min(end + 1, stop), *found)

    def _meaning(self, line: bytes) -> tuple[int, bool] | None:
        """(level, closing) of the text behind the first two hyphens; `x--` may be the boundary `x--` as well as the end
        of `x`.
        """
        if (level := self._levels.get(line)) is not None:
            return level, False
        level = self._levels.get(line[:-2]) if line.endswith(b"--") else None
        return None if level is None else (level, True)


def resume(data: bytes, start: int) -> int:
    """Where to look on when more bytes come: at the last line break, if the line after it may yet become a delimiter."""
    at = data.rfind(b"\n", max(start, len(data) - MAX_LINE))
    return at if at >= 0 else len(data)


def _first_word(line: bytes) -> bytes:
    """Without what stands behind white space, but for the `--` of senders whose boundary ended with a space."""
    word, *rest = _SPACE.split(line, 1)
    return word + b"--" if rest and rest[0].strip() == b"--" else word


def _shared_start(boundaries: list[bytes]) -> bytes:
    if len(boundaries) < 2:
        return b"".join(boundaries)
    low, high = min(boundaries), max(boundaries)
    return next((low[:n] for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), low)
