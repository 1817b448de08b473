"""Finding the delimiter lines of nested multiparts (RFC 2046 §5.1.1) in bytes that come in pieces.

A delimiter is a whole line: `--` boundary, perhaps `--`, perhaps white space, LF or CRLF. A line that only begins so is
content: that keeps a boundary which is the prefix of another apart from it. When a boundary is open twice, the inner
one is meant. No delimiter line is longer than 1000 bytes, so what must be held back is bounded.
"""

import re
from typing import NamedTuple

MAX_LINE = 1000
# After so many lines that look like a delimiter and are none, one compiled pattern looks for all boundaries at once:
# it costs 0.3 ms to make and never again more than the bytes it passes.
_PATIENCE = 32


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
        self._pattern = re.compile(rb"\n--(?:" + b"|".join(longest_first) + rb")(?:--)?[ \t\r]*+(?:\n|\Z)")
        return self._pattern

    def _delimiter(self, data: bytes, at: int, stop: int, final: bool) -> Delimiter | None:
        end = data.find(b"\n", at + 1, min(stop, at + MAX_LINE))
        if end < 0:
            if not final or stop - at > MAX_LINE:
                return None
            end = stop
        line = data[at + 3 : end].rstrip(b" \t\r")
        level = self._levels.get(line)
        closing = level is None
        if level is None and line.endswith(b"--"):
            level = self._levels.get(line[:-2])
        if level is None:
            return None
        return Delimiter(at - (data[at - 1 : at] == b"\r"), min(end + 1, stop), level, closing)


def resume(data: bytes, start: int) -> int:
    """Where to look on when more bytes come: at the last line break, if the line after it may yet become a delimiter."""
    at = data.rfind(b"\n", max(start, len(data) - MAX_LINE))
    return at if at >= 0 else len(data)


def _shared_start(boundaries: list[bytes]) -> bytes:
    if len(boundaries) < 2:
        return b"".join(boundaries)
    low, high = min(boundaries), max(boundaries)
    return next((low[:n] for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), low)
