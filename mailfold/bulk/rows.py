"""The lines and CSV rows of a file of any size: none is held in memory that is longer than the limit."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO

LINE_LIMIT = 300_000
"""Octets of a line."""
TOO_LONG = f"a line has at most {LINE_LIMIT} octets"
_NOT_CLOSED = f"a quotation mark is not closed within {LINE_LIMIT} octets"
_PIECE = 1024 * 1024
_Line = tuple[int, bytes | None]
"""The number of a line, and the line; None: it is too long."""


def bounded_lines(file: IO[bytes]) -> Iterator[_Line]:
    """The lines of a file with their numbers, from 1."""
    number = 0
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) <= LINE_LIMIT:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(_PIECE)
        yield number, None


def rows_of(file: IO[bytes]) -> Iterator[tuple[int, list[str], str]]:
    """The rows of a CSV file with the number of their first line, and the reason why one cannot be read.

    A row goes on while a quotation mark is open (RFC 4180 §2). Where it gets too long so, its first line alone is the
    mistake, and the lines after it are read as rows of their own.
    """
    reading = _Rereading(bounded_lines(file))
    while (begun := reading.next()) is not None:
        number, row = begun
        if row is None:
            yield number, [], TOO_LONG
            continue
        whole = reading.closed(row)
        yield number, *(([], _NOT_CLOSED) if whole is None else _fields_of(whole))


class _Rereading:
    """Lines, of which some may be read again."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._again = deque[_Line]()

    def next(self) -> _Line | None:
        """The next line; None at the end."""
        return self._again.popleft() if self._again else next(self._lines, None)

    def closed(self, row: bytes) -> bytes | None:
        """A row with the lines that its quotation marks take; None, and no line is taken, when they do not close."""
        taken = list[_Line]()
        octets, is_open, is_ended = len(row), _opens(row), False
        while is_open and octets <= LINE_LIMIT and not is_ended:
            further = self.next()
            if further is not None:
                taken.append(further)
                octets += LINE_LIMIT + 1 if further[1] is None else len(further[1])
                is_open ^= _opens(further[1] or b"")
            is_ended = further is None
        if is_open or octets > LINE_LIMIT:
            self._again.extendleft(reversed(taken))
            return None
        return row + b"".join(line for _, line in taken if line)


def _opens(line: bytes) -> bool:
    """Whether a line has an odd number of quotation marks."""
    return line.count(b'"') % 2 == 1


def _fields_of(row: bytes) -> tuple[list[str], str]:
    csv.field_size_limit(LINE_LIMIT)
    try:
        return next(csv.reader([row.decode().rstrip("\r\n")], strict=True), []), ""
    except UnicodeDecodeError as error:
        return [], f"this is not UTF-8: {error.reason} at octet {error.start + 1} of the row"
    except csv.Error as error:
        return [], f"this is no CSV that can be read: {error}"
