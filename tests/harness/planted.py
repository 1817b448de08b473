"""Looks for words in everything that a server keeps: rows, database files, the bus and the logs."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import zstandard

from tests.harness.server import MailfoldServer

_ZSTD = b"\x28\xb5\x2f\xfd"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{12,}={0,2}")
_DEPTH = 4


def places_of(server: MailfoldServer, words: Sequence[str]) -> list[str]:
    """Every place in which a word is, as `place: word`, without regard to case.

    Packed and encoded octets are looked into as well.
    """
    rows = _postgres(server.store) if server.store else _sqlite(server.data)
    return sorted({f"{place}: {word}" for place, octets in rows for word in words if _has(octets, word, _DEPTH)})


def files_of(folder: Path, words: Sequence[str]) -> list[str]:
    """Every file of a folder that has a word in its plain octets, as `file: word`."""
    known = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        octets = file.read_bytes().lower()
        known += [f"{file.relative_to(folder)}: {word}" for word in words if word.lower().encode() in octets]
    return known


def _has(octets: bytes, word: str, depth: int) -> bool:
    if octets.startswith(_ZSTD):
        octets = zstandard.ZstdDecompressor().decompress(octets)
    if word.lower().encode() in octets.lower():
        return True
    return depth > 0 and any(_has(inner, word, depth - 1) for inner in _decoded(octets))


def _decoded(octets: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(octets):
        text = match[0]
        if len(text) % 4 == 0:
            yield base64.b64decode(text)


def _sqlite(data: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted((data / "store").glob("*.sqlite")):
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in connection.execute(f"SELECT * FROM {table}"):
                    yield from _cells(f"{file.stem}.{table}", row)
        finally:
            connection.close()


def _postgres(url: str) -> Iterator[tuple[str, bytes]]:
    tables = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE 'mailfold%'"
    with psycopg.connect(url) as connection:
        for schema, table in connection.execute(tables).fetchall():
            for row in connection.execute(f'SELECT * FROM "{schema}"."{table}"'):  # type: ignore[call-overload]
                yield from _cells(f"{schema.removeprefix('mailfold_')}.{table}", row)


def _cells(place: str, row: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    for cell in row:
        if isinstance(cell, str):
            yield place, cell.encode()
        elif isinstance(cell, bytes | memoryview):
            yield place, bytes(cell)
