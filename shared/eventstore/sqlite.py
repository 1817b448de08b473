"""SQLite as the database of a store: one file for each owning service, opened by one process only."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy

from shared.eventstore.connection import Row, StoreUnavailable, Tallies
from shared.eventstore.file_lock import FileLock

_PAGES_BEFORE_CHECKPOINT = 4000
_OPTIONS: dict[str, Any] = {"check_same_thread": False, "isolation_level": None, "cached_statements": 512}


class SqliteConnection:
    """A connection in autocommit mode, so that transactions begin and end only where the store says."""

    octet_order = ""

    def __init__(self, engine: sqlalchemy.Engine, tallies: Tallies) -> None:
        self._pooled = engine.raw_connection()
        driver: Any = self._pooled.driver_connection
        self._driver: sqlite3.Connection = driver
        self._tallies = tallies
        self.tally = tallies.opened()

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        rows = self._driver.execute(sql, parameters).fetchall()
        self.tally.statements += 1
        self.tally.read += len(rows)
        return rows

    def first_row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        row: Row | None = self._driver.execute(sql, parameters).fetchone()
        self.tally.statements += 1
        self.tally.read += row is not None
        return row

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        cursor = self._driver.execute(sql, parameters)
        self.tally.statements += 1
        for row in cursor:
            self.tally.read += 1
            yield row

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        touched = self._driver.execute(sql, parameters).rowcount
        self.tally.statements += 1
        self.tally.written += max(touched, 0)
        return touched

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        touched = self._driver.executemany(sql, rows).rowcount
        self.tally.statements += 1
        self.tally.written += max(touched, 0)

    def begin(self) -> None:
        self._frame("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        self._frame("BEGIN DEFERRED")

    def commit(self) -> None:
        # A commit that SQLite refused (full disk, I/O error) certainly failed: no reader sees it, and the next commit
        # overwrites its part of the log file.
        self._frame("COMMIT")

    def rollback(self) -> None:
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

    def save(self) -> None:
        self._frame("SAVEPOINT work")

    def release(self) -> None:
        self._frame("RELEASE work")

    def undo(self) -> None:
        # On a full disk or an I/O error SQLite drops the whole transaction; then there is no savepoint left.
        if not self._driver.in_transaction:
            raise StoreUnavailable("the database dropped the transaction")
        self._frame("ROLLBACK TO work")
        self._frame("RELEASE work")

    def close(self) -> None:
        self._tallies.closed(self.tally)
        self._pooled.close()

    def _frame(self, statement: str) -> None:
        try:
            self._driver.execute(statement)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(str(error)) from error


class SqliteBackend:
    """Opens connections on one file."""

    dialect = "sqlite"
    group_limit = 500
    reads_inline = True
    """Whether reads run on the event loop: a read takes a few microseconds from the page cache, less than handing it to
    a thread."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._path = path
        self._synchronous = "FULL" if durable else "NORMAL"
        self.folder: Path | None = path.parent
        self._file_lock = FileLock(path.with_name(f"{path.name}.lock"))
        self.lock: FileLock | None = self._file_lock
        self.tallies = Tallies()
        self.engine = sqlalchemy.create_engine(
            f"sqlite:///{path}", connect_args=_OPTIONS, pool_size=16, max_overflow=-1
        )
        sqlalchemy.event.listen(self.engine, "connect", self._prepare)

    def create(self, metadata: sqlalchemy.MetaData) -> None:
        """Take the file for this process alone and create missing tables. Raises FileInUse."""
        self._file_lock.take()
        metadata.create_all(self.engine)

    def exists(self) -> bool:
        """Whether the database exists; looking must not create an empty one."""
        return self._path.exists()

    def connect(self) -> SqliteConnection:
        """A new connection; one thread uses it at a time."""
        return SqliteConnection(self.engine, self.tallies)

    def close(self) -> None:
        self.engine.dispose()
        self._file_lock.release()

    def _prepare(self, driver: Any, _record: object) -> None:
        # With FULL every COMMIT waits for the disk, so accepted mail is durable. With NORMAL, for copies,
        # only the checkpoint does.
        # What is deleted is overwritten at once, as in most builds of SQLite by default: an erased account must not
        # stay in free pages.
        for pragma in (
            "journal_mode=WAL",
            "secure_delete=ON",
            f"synchronous={self._synchronous}",
            "foreign_keys=OFF",
            "busy_timeout=10000",
            "cache_size=-8000",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={_PAGES_BEFORE_CHECKPOINT}",
        ):
            driver.execute("PRAGMA " + pragma)


def scratch_engine(folder: Path | None) -> sqlalchemy.Engine:
    """A database with one connection in a file without a name, which is deleted with its process.

    Its size on disk is that of its contents, and it needs some megabytes of memory whatever its size.
    """
    return sqlalchemy.create_engine(
        "sqlite://", creator=lambda: _nameless(folder), poolclass=sqlalchemy.pool.StaticPool
    )


def _nameless(folder: Path | None) -> sqlite3.Connection:
    fd, name = tempfile.mkstemp(prefix="scratch-", suffix=".sqlite", dir=folder)
    os.close(fd)
    try:
        driver: sqlite3.Connection = sqlite3.connect(name, **_OPTIONS)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16000"):
            driver.execute("PRAGMA " + pragma)
    finally:
        os.unlink(name)  # noqa: PTH108
    return driver


def is_transient(error: Exception) -> bool:
    """Whether a driver's error means that the database is at fault and not the unit of work."""
    return isinstance(error, sqlite3.OperationalError)
