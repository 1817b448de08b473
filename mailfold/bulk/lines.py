"""Reads the lines of a file for an import: JSON lines, or CSV with the names of the fields in its first row."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from mailfold.bulk.rows import LINE_LIMIT, TOO_LONG, bounded_lines, rows_of
from mailfold.operator.failure import UNUSABLE, CommandFailed

_PIECE = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


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
            self._is_csv = not file.read(4096).removeprefix(_BOM).lstrip().startswith((b"{", b"#"))

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
        """The lines with their numbers, from 1. Empty lines, and those that begin with `#`, are left out.

        Raises CommandFailed when the first row of a CSV file does not name the fields.
        """
        with self.path.open("rb") as file:
            yield from _of_csv(file) if self._is_csv else _of_json(file)


def _of_json(file: IO[bytes]) -> Iterator[FileLine]:
    for number, line in bounded_lines(file):
        if line is None:
            yield FileLine(number, b"", TOO_LONG)
            continue
        line = line.removeprefix(_BOM).strip()
        if line and not line.startswith(b"#"):
            yield FileLine(number, line)


def _of_csv(file: IO[bytes]) -> Iterator[FileLine]:
    rows = rows_of(file)
    _, first, mistake = next(rows, (1, [], ""))
    fields = [name.removeprefix("\ufeff") for name in first]
    if mistake or "kind" not in fields or len(set(fields)) != len(fields):
        raise CommandFailed(
            mistake
            or "the first row of a CSV file names the fields, each once, and one of them is `kind`; a file of JSON "
            "lines begins with {",
            UNUSABLE,
        )
    for number, row, mistake in rows:
        if mistake:
            yield FileLine(number, b"", mistake)
        elif any(row) and not row[0].startswith("#"):
            yield _of_row(number, fields, row)


def _of_row(number: int, fields: list[str], row: list[str]) -> FileLine:
    if len(row) > len(fields):
        return FileLine(number, b"", f"the row has {len(row)} columns, and the first one names {len(fields)}")
    values = {name: text for name, text in zip(fields, row, strict=False) if text}
    octets = msgspec.json.encode(values)
    return FileLine(number, octets, TOO_LONG if len(octets) > LINE_LIMIT else "")
