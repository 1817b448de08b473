"""Reads the lines of a file for an import: JSON lines, or CSV with the names of the fields in its first row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from mailfold.operator.failure import UNUSABLE, CommandFailed

LINE_LIMIT = 300_000
"""Octets of a line."""
LIST_FIELDS = ("targets", "owners")
_PIECE = 1024 * 1024


class FileLine(NamedTuple):
    """A line of the file as JSON, or the reason why it cannot be one."""

    number: int
    json: bytes
    mistake: str = ""


class ImportFile:
    """A file that is read from its beginning to its end several times."""

    def __init__(self, path: Path) -> None:
        """Raises CommandFailed when the file cannot be read."""
        self.path = path
        if not path.is_file():
            raise CommandFailed(f"there is no file {path}", UNUSABLE)
        with path.open("rb") as file:
            self._is_csv = not file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"#"))

    def digest(self) -> str:
        """The digest of the whole file."""
        digest = blake2b(digest_size=32)
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()

    @property
    def octets(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size

    def lines(self) -> Iterator[FileLine]:
        """The lines with their numbers, from 1. Empty lines, and those that begin with `#`, are left out."""
        try:
            if self._is_csv:
                with self.path.open(encoding="utf-8-sig", newline="") as text:
                    yield from _of_csv(text)
            else:
                with self.path.open("rb") as file:
                    yield from _of_json(file)
        except UnicodeDecodeError as error:
            raise CommandFailed(f"{self.path} is not UTF-8: {error.reason} at octet {error.start}", UNUSABLE) from error
        except csv.Error as error:
            raise CommandFailed(f"{self.path} is no CSV that can be read: {error}", UNUSABLE) from error


def _of_json(file: IO[bytes]) -> Iterator[FileLine]:
    number = 0
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            while line and not line.endswith(b"\n"):
                line = file.readline(_PIECE)
            yield FileLine(number, b"", f"a line has at most {LINE_LIMIT} octets")
            continue
        line = line.removeprefix(b"\xef\xbb\xbf").strip()
        if line and not line.startswith(b"#"):
            yield FileLine(number, line)


def _of_csv(file: IO[str]) -> Iterator[FileLine]:
    csv.field_size_limit(LINE_LIMIT)
    rows = csv.reader(file, strict=True)
    fields = next(rows, [])
    if "kind" not in fields or len(set(fields)) != len(fields):
        raise CommandFailed(
            "the first row of a CSV file names the fields, each once, and one of them is `kind`; a file of JSON lines "
            "begins with {",
            UNUSABLE,
        )
    begun = rows.line_num + 1
    for row in rows:
        number, begun = begun, rows.line_num + 1
        if not any(row) or row[0].startswith("#"):
            continue
        yield _of_row(number, fields, row)


def _of_row(number: int, fields: list[str], row: list[str]) -> FileLine:
    if len(row) > len(fields):
        return FileLine(number, b"", f"the row has {len(row)} columns, and the first one names {len(fields)}")
    values = {name: text for name, text in zip(fields, row, strict=False) if text}
    octets = msgspec.json.encode(values)
    return FileLine(number, octets, f"a line has at most {LINE_LIMIT} octets" if len(octets) > LINE_LIMIT else "")
