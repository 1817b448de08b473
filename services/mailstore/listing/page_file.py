"""The file of listing pages: a cache beside the store, outside of the events, the same on every database.

It has no truth of its own. A page names the blob of each message, and a reader uses a record only where the entry names
the same blob, or a page whose last message is the same (`PageExtent`); so an old, restored or half-written file makes
a listing slow and never wrong. A file of another version, or one that SQLite finds damaged, is deleted and begun anew.
What is deleted is overwritten at once, as in the stores.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from services.mailstore.listing.columns import KINDS_ROOM, VERSION, Kind
from shared.blobs.frames import FrameDamaged, compress, decompress

log = structlog.get_logger("mailstore")
T = TypeVar("T")
_CREATE = (
    "CREATE TABLE IF NOT EXISTS page (id INTEGER PRIMARY KEY, mailbox TEXT NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, UNIQUE (mailbox, last))",
    "CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, stored BLOB NOT NULL)",
)
_PRAGMAS = ("journal_mode=WAL", "secure_delete=ON", "synchronous=NORMAL", "busy_timeout=5000", "cache_size=-4000")
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_LEVEL = 3
_WRITTEN_AT_ONCE = 500


class PageRange(NamedTuple):
    """A page and the UIDs of which it is in charge; no UID has two pages."""

    id: int
    first: int
    last: int


class PageFile:
    """One connection to the file; one thread uses it at a time. Methods raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._driver = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                self._driver.execute("PRAGMA " + pragma)
        except sqlite3.Error:
            self._driver.close()
            raise

    @property
    def version(self) -> int:
        """The version of its pages; 0 for a new file."""
        version: int = self._driver.execute("PRAGMA user_version").fetchone()[0]
        return version

    def begin(self) -> None:
        """Make the tables."""
        for statement in _CREATE:
            self._driver.execute(statement)
        self._driver.execute(f"PRAGMA user_version={VERSION}")

    def page_of(self, mailbox: str, uid: int) -> PageRange | None:
        """The page that is in charge of this UID, or the next one behind it."""
        sql = "SELECT id, first, last FROM page WHERE mailbox = ? AND last >= ? ORDER BY last LIMIT 1"
        row = self._driver.execute(sql, (mailbox, uid)).fetchone()
        return row and PageRange(*row)

    def ranges(self, mailbox: str) -> list[PageRange]:
        """All pages of a mailbox, ascending."""
        sql = "SELECT id, first, last FROM page WHERE mailbox = ? ORDER BY last"
        return [PageRange(*row) for row in self._driver.execute(sql, (mailbox,))]

    def mailboxes(self, after: str, most: int) -> list[str]:
        """The mailboxes that have pages, by id, behind `after`."""
        sql = "SELECT DISTINCT mailbox FROM page WHERE mailbox > ? ORDER BY mailbox LIMIT ?"
        return [row[0] for row in self._driver.execute(sql, (after, most))]

    def columns(self, page: int, kinds: Iterable[Kind]) -> dict[Kind, bytes] | None:
        """These columns of a page; None when it is gone. Raises FrameDamaged."""
        columns = {}
        for kind in kinds:
            sql = "SELECT size, stored FROM part WHERE id = ?"
            row = self._driver.execute(sql, (page * KINDS_ROOM + kind,)).fetchone()
            if row is None:
                return None
            columns[kind] = decompress(row[1], row[0]) if row[0] else b""
        return columns

    def write(self, mailbox: str, first: int, last: int, columns: Mapping[Kind, bytes]) -> None:
        """Add a page, in place of those that have one of its UIDs."""
        stored = [(kind, len(column), compress(column, _LEVEL)) for kind, column in columns.items()]
        with self._transaction():
            doomed = [page.id for page in self.ranges(mailbox) if page.first <= last and page.last >= first]
            self._remove(doomed)
            sql = "INSERT INTO page (mailbox, first, last) VALUES (?, ?, ?)"
            page = self._driver.execute(sql, (mailbox, first, last)).lastrowid or 0
            self._driver.executemany(
                "INSERT INTO part (id, size, stored) VALUES (?, ?, ?)",
                [(page * KINDS_ROOM + kind, size, octets) for kind, size, octets in stored],
            )

    def remove(self, pages: Sequence[int]) -> None:
        """Remove pages."""
        for start in range(0, len(pages), _WRITTEN_AT_ONCE):
            with self._transaction():
                self._remove(pages[start : start + _WRITTEN_AT_ONCE])

    def empty_log(self) -> None:
        """Empty the write-ahead log, which still has what was overwritten."""
        self._driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()

    def _remove(self, pages: Sequence[int]) -> None:
        for page in pages:
            bounds = (page * KINDS_ROOM, (page + 1) * KINDS_ROOM)
            self._driver.execute("DELETE FROM part WHERE id >= ? AND id < ?", bounds)
            self._driver.execute("DELETE FROM page WHERE id = ?", (page,))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._driver)


class _Transaction:
    """Commits at the end of a `with` block; an error rolls back."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        self._driver.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._driver.execute("COMMIT")
        elif self._driver.in_transaction:
            self._driver.execute("ROLLBACK")


def opened(path: Path) -> PageFile:
    """The file at this path; one that is damaged or of another version is deleted and made anew.

    Raises sqlite3.Error, OSError.
    """
    try:
        file = _prepared(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        log.error("listing.damaged", path=str(path), error=str(error))
        file = None
    if file is None:
        delete(path)
        file = _prepared(path)
    if file is None:
        raise sqlite3.OperationalError("another process begins the same file")
    return file


def _prepared(path: Path) -> PageFile | None:
    """The file with its tables; None when it is of another version."""
    file = PageFile(path)
    try:
        if file.version in (0, VERSION):
            file.begin()
            return file
    except sqlite3.Error:
        file.close()
        raise
    file.close()
    return None


def delete(path: Path) -> None:
    """Delete the file. Raises OSError."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_damage(error: Exception) -> bool:
    """Whether an error says that the contents of the file cannot be used."""
    if isinstance(error, FrameDamaged):
        return True
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED
