"""The extracted texts, kept once for each blob, whoever holds copies of the mail.

The file is a cache: everything in it can be read again from the blobs. So a damaged file, or a file of another layout,
is removed and begun anew; set aside, it would keep texts of accounts that are erased later. Deleted texts are
overwritten (`secure_delete`), in the write-ahead log too.

A store is used by one process. Its methods block for some milliseconds, so they are called in a thread.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import apsw
import structlog
import zstandard

from services.indexer.extraction.port import CONCLUSIVE, ExtractionStatus
from services.indexer.extraction.stored_text import FailedAttachment, StoredAttachment
from services.indexer.extraction.tables import CREATE, FAILURES, LAYOUT

log = structlog.get_logger("extraction")

Row = tuple[Any, ...]
FILE_NAME = "extracted.sqlite"
_LEVEL = 6
_PAGE = 200
_BUSY_MS = 5000
_CORRUPT = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, zstandard.ZstdError, UnicodeDecodeError)
_BESIDE_A_TEXT = 200
"""Octets of a row beside its texts."""
_TRIES = 3
"""Times that an attachment is read that crashed or took too long; both may have been for want of memory or CPU."""
_FLEETING = frozenset((ExtractionStatus.CRASHED, ExtractionStatus.TIMEOUT))


class ExtractedStore:
    """The texts of blobs and the accounts that use them."""

    def __init__(self, folder: Path, limit_octets: int) -> None:
        self._path = folder / FILE_NAME
        self._limit = limit_octets
        self._lock = RLock()
        self._connection = self._opened()

    def attachments(self, blob: str, account: str, version: str) -> tuple[StoredAttachment, ...] | None:
        """What was read out of a blob, which this account uses from now on; None when it is to be read (again).

        It is read again when it was not read entirely and the extractor has another version now.
        """
        with self._working() as connection:
            row = first(connection, "SELECT version, tries, conclusive, fleeting FROM blob WHERE blob = ?", (blob,))
            if row is None or (row[0] != version and not row[2]):
                return None
            if row[3] and row[1] < _TRIES:
                return None
            results = tuple(_stored(row) for row in connection.execute(_SELECT, (blob,)))
            connection.execute("INSERT OR IGNORE INTO use (blob, account) VALUES (?, ?)", (blob, account))
            return results

    def keep(self, blob: str, account: str, version: str, results: Sequence[StoredAttachment]) -> None:
        """Keep what was read out of a blob, in place of what was kept before."""
        packer = zstandard.ZstdCompressor(level=_LEVEL)
        packed = [packer.compress(result.text.encode()) for result in results]
        fleeting = any(result.status in _FLEETING for result in results)
        conclusive = all(result.status in CONCLUSIVE for result in results)
        octets = sum(map(len, packed)) + sum(map(_beside, results))
        with self._working() as connection:
            before = first(connection, "SELECT version, tries, octets FROM blob WHERE blob = ?", (blob,))
            tries = before[1] if before is not None and before[0] == version else 0
            connection.execute("DELETE FROM attachment WHERE blob = ?", (blob,))
            connection.execute(
                "INSERT OR REPLACE INTO blob (blob, version, tries, kept_at, octets, conclusive, fleeting)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (blob, version, 1 + tries, time.time_ns(), octets, int(conclusive), int(fleeting)),
            )
            connection.executemany(
                "INSERT INTO attachment (blob, place, path, name, media_type, status, detail, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (blob, place, result.path, result.name, result.media_type, result.status, result.detail, text)
                    for place, (result, text) in enumerate(zip(results, packed, strict=True))
                ],
            )
            connection.execute("INSERT OR IGNORE INTO use (blob, account) VALUES (?, ?)", (blob, account))
            self._octets += octets - (before[2] if before is not None else 0)
            self._drop_oldest(connection)

    def release_others(self, account: str, blobs: frozenset[str]) -> None:
        """The account has copies of these blobs alone; texts that nobody uses any more are deleted."""
        with self._working() as connection:
            rows = connection.execute("SELECT blob FROM use WHERE account = ?", (account,)).fetchall()
        self.release(account, [str(row[0]) for row in rows if row[0] not in blobs])

    def release(self, account: str, blobs: Sequence[str]) -> None:
        """The account has no copy of these blobs any more; texts that nobody uses are deleted."""
        with self._working() as connection:
            for blob in blobs:
                connection.execute("DELETE FROM use WHERE blob = ? AND account = ?", (blob, account))
            self._delete_unused(connection, blobs)

    def erase(self, account: str) -> bool:
        """Delete a page of what only this account uses; True when there may be more.

        After the last page nothing of it is left in the file or in the write-ahead log.
        """
        with self._working() as connection:
            rows = connection.execute("SELECT blob FROM use WHERE account = ? LIMIT ?", (account, _PAGE)).fetchall()
            blobs = [str(row[0]) for row in rows]
            for blob in blobs:
                connection.execute("DELETE FROM use WHERE blob = ? AND account = ?", (blob, account))
            self._delete_unused(connection, blobs)
        if len(blobs) == _PAGE:
            return True
        self._truncate_log()
        return False

    def failures(self, limit: int, after: tuple[str, str] = ("", "")) -> tuple[FailedAttachment, ...]:
        """Attachments that were not read, or not entirely, in the order of blob and path, behind `after`."""
        with self._working() as connection:
            rows = connection.execute(_SELECT_FAILURES, (*FAILURES, *after, limit)).fetchall()
            return tuple(_failed(row) for row in rows)

    def pending(self, version: str, limit: int, after: str = "") -> tuple[str, ...]:
        """Blobs to be read again: another version did not read them entirely, or they crashed or took too long.

        They are in order, behind `after`.
        """
        with self._working() as connection:
            values = (version, after, limit, _TRIES, after, limit, limit)
            rows = connection.execute(_SELECT_PENDING, values).fetchall()
            return tuple(str(row[0]) for row in rows)

    def retry(self, blob: str = "") -> int:
        """Let the failures of this blob, or of all, be tried again; returns the number of blobs."""
        with self._working() as connection:
            which = "conclusive = 0" + (" AND blob = ?" if blob else "")
            connection.execute(f"UPDATE blob SET version = '', tries = 0 WHERE {which}", (blob,) if blob else ())  # noqa: S608
            return connection.changes()

    def accounts(self, blob: str, limit: int = _PAGE) -> tuple[str, ...]:
        """Accounts that use a blob."""
        with self._working() as connection:
            sql = "SELECT account FROM use WHERE blob = ? ORDER BY account LIMIT ?"
            return tuple(str(row[0]) for row in connection.execute(sql, (blob, limit)))

    @property
    def octets(self) -> int:
        """The size of the compressed texts."""
        return self._octets

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _working(self) -> Iterator[apsw.Connection]:
        """A transaction. After an error that says that the file is damaged, a new file is begun."""
        with self._lock:
            try:
                with self._connection:
                    yield self._connection
            except _CORRUPT as error:
                self._begin_anew(error)
                raise StoreBegunAnew from error
            except BaseException:
                self._octets = _octets(self._connection)  # The transaction was undone.
                raise

    def _begin_anew(self, error: Exception) -> None:
        log.error("extraction.store_damaged", path=str(self._path), error=str(error))
        self._connection.close(True)
        _remove(self._path)
        self._connection = self._opened()

    def _opened(self) -> apsw.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = _prepared(self._path)
        except _CORRUPT as error:
            log.error("extraction.store_damaged", path=str(self._path), error=str(error))
            _remove(self._path)
            connection = _prepared(self._path)
        self._octets = _octets(connection)
        return connection

    def _delete_unused(self, connection: apsw.Connection, blobs: Sequence[str]) -> None:
        for blob in blobs:
            if first(connection, "SELECT 1 FROM use WHERE blob = ? LIMIT 1", (blob,)) is None:
                self._delete(connection, blob)

    def _delete(self, connection: apsw.Connection, blob: str) -> None:
        row = first(connection, "DELETE FROM blob WHERE blob = ? RETURNING octets", (blob,))
        connection.execute("DELETE FROM attachment WHERE blob = ?", (blob,))
        self._octets -= int(row[0]) if row else 0

    def _drop_oldest(self, connection: apsw.Connection) -> None:
        """Stay below the limit, by dropping what was kept first."""
        while self._octets > self._limit:
            rows = connection.execute("SELECT blob FROM blob ORDER BY kept_at, blob LIMIT 16").fetchall()
            for row in rows:
                if self._octets > self._limit:
                    connection.execute("DELETE FROM use WHERE blob = ?", row)
                    self._delete(connection, str(row[0]))

    def _truncate_log(self) -> None:
        with self._lock:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


class StoreBegunAnew(apsw.Error):
    """The file was damaged and is empty now; what was asked for is to be asked again, as after any other error."""


_SELECT = "SELECT path, name, media_type, status, detail, text FROM attachment WHERE blob = ? ORDER BY place"
_SELECT_PENDING = (
    "SELECT blob FROM (SELECT blob FROM blob WHERE conclusive = 0 AND version != ? AND blob > ? ORDER BY blob LIMIT ?)"
    " UNION"
    " SELECT blob FROM (SELECT blob FROM blob WHERE fleeting = 1 AND tries < ? AND blob > ? ORDER BY blob LIMIT ?)"
    " ORDER BY blob LIMIT ?"
)
_SELECT_FAILURES = (
    "SELECT attachment.blob, path, name, media_type, status, detail, version, tries FROM attachment JOIN blob USING"
    " (blob) WHERE status IN (?, ?, ?, ?) AND (attachment.blob, path) > (?, ?) ORDER BY attachment.blob, path LIMIT ?"
)


def _octets(connection: apsw.Connection) -> int:
    row = first(connection, "SELECT coalesce(sum(octets), 0) FROM blob", ())
    return int(row[0]) if row else 0


def _beside(result: StoredAttachment) -> int:
    return _BESIDE_A_TEXT + len(result.name) + len(result.detail)


def first(connection: apsw.Connection, sql: str, values: tuple[str | int, ...]) -> Row | None:
    """The first row, or None."""
    return next(iter(connection.execute(sql, values)), None)


def _prepared(path: Path) -> apsw.Connection:
    """An open file with tables of this layout."""
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(_BUSY_MS)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        layout = first(connection, "PRAGMA user_version", ())
        if layout is not None and layout[0] != LAYOUT:
            _lay_out(connection)
        first(connection, "SELECT blob FROM blob LIMIT 1", ())
    except BaseException:
        connection.close(True)
        raise
    return connection


def _lay_out(connection: apsw.Connection) -> None:
    with connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in rows:
            connection.execute(f'DROP TABLE "{name}"')
        for sql in CREATE:
            connection.execute(sql)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _failed(row: Row) -> FailedAttachment:
    blob, path, name, media_type, status, detail, version, tries = row
    return FailedAttachment(blob, path, name, media_type, ExtractionStatus(status), detail, version, tries)


def _stored(row: Row) -> StoredAttachment:
    path, name, media_type, status, detail, packed = row
    if not isinstance(packed, bytes):
        raise apsw.CorruptError("a text is no blob")
    text = zstandard.ZstdDecompressor().decompress(packed).decode()
    return StoredAttachment(str(path), str(name), str(media_type), ExtractionStatus(str(status)), text, str(detail))
