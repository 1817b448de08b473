"""A pack: many small blobs in one SQLite file, each as the blob file that it would be. All functions raise `BlobError`.

A pack has one writer, the process that it is named after; other processes read it, and change single rows when they
sweep, quarantine or renew a scan. What is deleted is overwritten at once, so an erased message is in no free page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from shared.blobs.errors import BlobError, BlobStoreFull

_CREATE = (
    "CREATE TABLE IF NOT EXISTS blob (id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE,"
    " at INTEGER NOT NULL, stored BLOB NOT NULL)"
)
_INSERT = "INSERT INTO blob (digest, at, stored) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
_RENEW = "UPDATE blob SET at = ?, stored = ? WHERE digest = ?"
_READ = "SELECT stored FROM blob WHERE digest = ?"
_PAGES_BEFORE_CHECKPOINT = 2000


class PackedRef(NamedTuple):
    """A row of a pack: the digest, the octets of its blob file, and what names this commit of it."""

    digest: bytes
    size: int
    stamp: str


class PackConnection:
    """One connection to a pack. It is used by one thread at a time.

    `waits` is how long, in seconds, it waits for another writer. With `is_durable`, a commit waits for the disk.
    """

    def __init__(self, path: Path, *, waits: float, is_durable: bool = False) -> None:
        self._name = path.stem
        with reported(f"the pack {path.name}"):
            self._driver = sqlite3.connect(path, timeout=waits, isolation_level=None, check_same_thread=False)
            for pragma in (
                "journal_mode=WAL",
                "secure_delete=ON",
                f"synchronous={'FULL' if is_durable else 'NORMAL'}",
                f"wal_autocheckpoint={_PAGES_BEFORE_CHECKPOINT}",
            ):
                self._driver.execute("PRAGMA " + pragma)
            self._driver.execute(_CREATE)

    def read(self, digest: bytes) -> bytes | None:
        """The blob file of a digest; None when it is not in this pack."""
        with reported("reading a pack"):
            row = self._driver.execute(_READ, (digest,)).fetchone()
        return None if row is None else row[0]

    def begin(self) -> bool:
        """Begin to write; False while another process writes."""
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _primary_code(error) == sqlite3.SQLITE_BUSY:
                return False
            raise _blob_error(error, "writing a pack") from error
        return True

    def put(self, digest: bytes, at: int, stored: bytes) -> str:
        """Write a blob; returns its stamp, which is empty when the pack had the body already: then it is mended."""
        with reported("writing a pack"):
            cursor = self._driver.execute(_INSERT, (digest, at, stored))
            if cursor.rowcount:
                return f"{self._name}:{cursor.lastrowid}:{at}"
            self._driver.execute(_RENEW, (at, stored, digest))
        return ""

    def commit(self) -> None:
        """End the writing; on an error nothing of it is there."""
        try:
            with reported("writing a pack"):
                self._driver.execute("COMMIT")
        except BlobError:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """Undo what was written since `begin`."""
        if self._driver.in_transaction:
            with reported("writing a pack"):
                self._driver.execute("ROLLBACK")

    def replace(self, digest: bytes, stored: bytes) -> None:
        """Replace the blob file of a digest, where there is one."""
        with reported("writing a pack"):
            self._driver.execute("UPDATE blob SET stored = ? WHERE digest = ?", (stored, digest))

    def delete(self, digest: bytes) -> bool:
        """Remove a blob; False when it is not in this pack. After a power failure it may exist again."""
        with reported("deleting in a pack"):
            return self._driver.execute("DELETE FROM blob WHERE digest = ?", (digest,)).rowcount > 0

    def take_back(self, stamp: str) -> bool:
        """Remove the row of a stamp, unless its body was committed again since."""
        name, _, numbers = stamp.partition(":")
        row, _, at = numbers.partition(":")
        if name != self._name:
            return False
        with reported("deleting in a pack"):
            return self._driver.execute("DELETE FROM blob WHERE id = ? AND at = ?", (int(row), int(at))).rowcount > 0

    def page(self, after: int, before: int, limit: int) -> tuple[list[PackedRef], int]:
        """Blobs committed before a time in nanoseconds, in the order of their rows, and where the next page begins."""
        with reported("reading a pack"):
            rows = self._driver.execute(
                "SELECT id, digest, at, length(stored) FROM blob WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
            ).fetchall()
        refs = [PackedRef(digest, size, f"{self._name}:{row}:{at}") for row, digest, at, size in rows if at < before]
        return refs, rows[-1][0] if rows else 0

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Turns the errors of SQLite into `BlobError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _blob_error(error, what) from error


def _blob_error(error: sqlite3.Error, what: str) -> BlobError:
    is_full = _primary_code(error) == sqlite3.SQLITE_FULL
    return (BlobStoreFull if is_full else BlobError)(f"{what}: {error}")


def _primary_code(error: sqlite3.Error) -> int:
    """The result code of SQLite without its extension; 0 when the error did not come from the database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
