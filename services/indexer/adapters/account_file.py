"""The SQLite file of an account: opened by one writer and several readers, and removed without a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import apsw

from services.indexer.adapters.fetched import fetched

T = TypeVar("T")
SUFFIXES = ("", "-wal", "-shm", "-journal")
_BUSY = 10_000
_IDLE_READERS = 2
_WRITER_CACHE = 2048
"""KiB of pages that the writer keeps."""
_READER_CACHE = 1024
_CHECKPOINT = 2000
"""Pages of the write-ahead log after which it is copied into the file."""


class OtherFile(Exception):
    """The file is of another version, or is no longer where it was: its content is not to be used."""


class AccountFile:
    """The file of an account, open. Its methods run in threads."""

    def __init__(
        self, path: Path, version: int, schema: str, prepare_reader: Callable[[apsw.Connection], None]
    ) -> None:
        """Open the file or begin it. Raises OtherFile, apsw.Error and OSError."""
        self.path = path
        self._prepare_reader = prepare_reader
        self._writing = threading.Lock()
        self._guard = threading.Lock()
        self._readers: list[apsw.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = apsw.Connection(str(path))
        try:
            self._begin(version, schema)
        except BaseException:
            self._writer.close()
            raise
        self._identity = _identity(path)

    def _begin(self, version: int, schema: str) -> None:
        writer = self._writer
        writer.set_busy_timeout(_BUSY)
        if not writer.pragma("page_count"):
            writer.pragma("auto_vacuum", "incremental")
        writer.pragma("journal_mode", "wal")
        # NORMAL: after a loss of power the last commits may be missing, but the file is whole.
        writer.pragma("synchronous", "normal")
        writer.pragma("cache_size", -_WRITER_CACHE)
        writer.pragma("wal_autocheckpoint", _CHECKPOINT)
        writer.pragma("journal_size_limit", 0)
        writer.pragma("secure_delete", 1)
        writer.pragma("temp_store", "memory")
        if writer.pragma("user_version") == 0 and not fetched(writer, "SELECT 1 FROM sqlite_schema"):
            with writer:
                writer.execute(schema)
                writer.pragma("user_version", version)
        elif writer.pragma("user_version") != version:
            raise OtherFile(f"version {writer.pragma('user_version')}")

    def check(self) -> None:
        """Raises OtherFile when the file was removed or replaced."""
        if _identity(self.path) != self._identity:
            raise OtherFile("the file was removed")

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run reading work on one state of the file."""
        with self._guard:
            reader = self._readers.pop() if self._readers else None
        if reader is None:
            reader = self._open_reader()
        try:
            with _snapshot(reader):
                result = work(reader)
        except BaseException:
            reader.close(True)
            raise
        with self._guard:
            if len(self._readers) < _IDLE_READERS:
                self._readers.append(reader)
                return result
        reader.close()
        return result

    def _open_reader(self) -> apsw.Connection:
        reader = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
        reader.set_busy_timeout(_BUSY)
        reader.pragma("query_only", 1)
        reader.pragma("cache_size", -_READER_CACHE)
        self._prepare_reader(reader)
        return reader

    def write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run writing work as a transaction."""
        with self._writing:
            writer = self._writer
            writer.execute("BEGIN IMMEDIATE")
            try:
                result = work(writer)
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise
            return result

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the file and empty it, unless somebody reads."""
        with self._writing:
            self._writer.set_busy_timeout(0)
            try:
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except (apsw.BusyError, apsw.LockedError):
                return  # the next upkeep does it
            finally:
                self._writer.set_busy_timeout(_BUSY)

    def close(self) -> None:
        """Close all connections. The last one copies the write-ahead log into the file and removes it."""
        with self._guard:
            readers, self._readers = self._readers, []
        for reader in readers:
            reader.close()
        with self._writing:
            self._writer.close()


@contextmanager
def _snapshot(reader: apsw.Connection) -> Iterator[None]:
    reader.execute("BEGIN")
    yield
    reader.execute("COMMIT")


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


def remove_file(path: Path) -> None:
    """Remove the file of an account with all that SQLite keeps beside it."""
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def octets_on_disk(path: Path) -> int:
    """What the file takes, its write-ahead log included."""
    total = 0
    for suffix in SUFFIXES:
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except FileNotFoundError:
            continue
    return total
