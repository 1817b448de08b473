"""Keys of rows that wait to be compared: some in memory, the others in a file without a name."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from shared.eventstore.connection import Connection, Row, StoreUnavailable, Tallies
from shared.eventstore.sqlite import SqliteConnection, scratch_engine

IN_MEMORY = 5000
"""Keys in memory: about a megabyte, which is written to the file in some ten milliseconds."""
_AT_ONCE = 1000
_MAKE = "CREATE TABLE pending (tab TEXT, key BLOB, PRIMARY KEY (tab, key)) WITHOUT ROWID"
_KEEP = "INSERT OR IGNORE INTO pending (tab, key) VALUES (?, ?)"
_TAKE = f"SELECT tab, key FROM pending LIMIT {_AT_ONCE}"  # noqa: S608
_DROP = "DELETE FROM pending WHERE tab = ? AND key = ?"


class PendingKeys:
    """A set of keys, each with the name of its table. Threads may share it.

    `add` never raises, because it is called during units of work of others; `take` reports keys that could not be
    stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._keys: dict[tuple[str, Row], None] = {}
        self._file: Connection | None = None
        self._has_more = False
        self._lost = ""
        self._is_closed = False

    def add(self, table: str, keys: Iterable[Row]) -> None:
        """Keep these keys until they are taken."""
        with self._lock:
            if self._is_closed:
                return
            self._keys.update(dict.fromkeys((table, key) for key in keys))
            while len(self._keys) > IN_MEMORY and not self._lost:
                self._spill()

    def lose(self, reason: str) -> None:
        """Note that some keys were lost; the next `take` raises."""
        self._lost = self._lost or reason

    def take(self) -> tuple[str, Row] | None:
        """Take one of the keys, the last in memory first; None when there is none.

        Raises StoreUnavailable when keys were lost.
        """
        with self._lock:
            if self._lost:
                raise StoreUnavailable(self._lost)
            if not self._keys and self._has_more:
                self._load()
            return self._keys.popitem()[0] if self._keys else None

    def close(self) -> None:
        """Drop all keys, and ignore later ones."""
        with self._lock:
            self._is_closed = True
            self._keys.clear()
            if self._file is not None:
                self._file.close()

    def _spill(self) -> None:
        """Write the first of the keys in memory to the file."""
        some = list(islice(self._keys, IN_MEMORY))
        try:
            if self._file is None:
                self._file = SqliteConnection(scratch_engine(self._folder), Tallies())
                self._file.execute(_MAKE)
            self._file.begin()
            self._file.execute_many(_KEEP, [(table, msgspec.msgpack.encode(key)) for table, key in some])
            self._file.commit()
        except (sqlite3.Error, OSError, StoreUnavailable) as error:
            self._lost = f"there is no room to note which rows change: {error}"
        self._has_more = True
        for item in some:
            del self._keys[item]

    def _load(self) -> None:
        assert self._file is not None
        self._file.begin()
        rows = self._file.all(_TAKE)
        self._file.execute_many(_DROP, rows)
        self._file.commit()
        self._has_more = bool(rows)
        self._keys.update(dict.fromkeys((table, tuple(msgspec.msgpack.decode(key))) for table, key in rows))
