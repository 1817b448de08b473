"""The upkeep of the file of an account, in small steps: each is a transaction, and a checkpoint follows.

Blocks of single messages are packed together. After messages were removed, the index tables are merged until nothing of
their words is left. Pages without content are given back to the file system.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import apsw

from services.indexer.adapters.bookkeeping import Bookkeeping
from services.indexer.adapters.embedded_texts import ATTACHMENTS, BODIES, FTS_TABLES, HEADERS
from services.indexer.adapters.fetched import fetched
from services.indexer.adapters.text_blocks import TextBlocks

TEXT_OCTETS = "text_octets"
REMOVED = "removed"
"""Documents that were removed since the tables were merged; and with `_at`, the second of the first removal."""
_PACKED = "packed_"
_MERGING = "merging"
_PAGES = 16
"""Pages that a step of merging writes."""
_FREED = 256
"""Pages that are given back in a step."""
_PART = 20
_DAY = 86_400
Step = Callable[[apsw.Connection], bool]
"""Does some work in a transaction; whether there is more."""


class Upkeep:
    """Which steps are due, and what they do."""

    def __init__(self, purge_days: float) -> None:
        self._purge_seconds = purge_days * _DAY

    def steps(self) -> Iterator[Step]:
        """The steps in their order; each is repeated until it has nothing left to do."""
        for blocks in (HEADERS, BODIES, ATTACHMENTS):
            yield _packing(blocks)
        yield self._begin_merging
        for table in FTS_TABLES:
            yield _merging(table)
        yield _finish_merging
        yield _give_back

    def _begin_merging(self, connection: apsw.Connection) -> bool:
        """Decide whether removed words are to leave now; the merging of a table goes on after a restart."""
        notes = Bookkeeping(connection)
        removed = notes.counter(REMOVED)
        if notes.counter(_MERGING) or not removed:
            return False
        age = time.time() - notes.counter(f"{REMOVED}_at")
        if age < self._purge_seconds and removed * _PART < notes.rows("document"):
            return False
        notes.note(REMOVED, 0)
        notes.note(f"{REMOVED}_at", 0)
        notes.note(_MERGING, 1)
        for table in FTS_TABLES:
            # A negative number puts all segments of a table together, so that the steps end with a single segment.
            connection.execute(f"INSERT INTO {table}({table}, rank) VALUES('merge', ?)", (-_PAGES,))
        return False


def _merging(table: str) -> Step:
    def step(connection: apsw.Connection) -> bool:
        if not Bookkeeping(connection).counter(_MERGING):
            return False
        before = connection.total_changes()
        connection.execute(f"INSERT INTO {table}({table}, rank) VALUES('merge', ?)", (_PAGES,))
        return connection.total_changes() - before >= 2  # the statement itself is a change

    return step


def _finish_merging(connection: apsw.Connection) -> bool:
    notes = Bookkeeping(connection)
    if notes.counter(_MERGING):
        notes.note(_MERGING, 0)
    return False


def _packing(blocks: TextBlocks) -> Step:
    name = _PACKED + blocks.table

    def step(connection: apsw.Connection) -> bool:
        notes = Bookkeeping(connection)
        start = notes.counter(name)
        following = blocks.pack(connection, start)
        if following >= 0:
            notes.note(name, following)
            return True
        return False

    return step


def _give_back(connection: apsw.Connection) -> bool:
    if connection.pragma("freelist_count") <= max(_FREED, connection.pragma("page_count") // _PART):
        return False
    fetched(connection, f"PRAGMA incremental_vacuum({_FREED})")
    return True
