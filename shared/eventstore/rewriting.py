"""Replaces what stored events say, for an erasure.

An event keeps its place, version, type, time and cause, so followers, folds and positions see the same log. Only its
data and its actor are replaced, and a projection must give the same rows for the new data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from shared.eventstore.connection import Connection, Reader, Row
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import COLUMNS

_REWRITE = "UPDATE event SET schema = ?, actor = ?, data = ? WHERE shard = ? AND position = ?"
_PAGE = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position > ? ORDER BY position LIMIT ?"  # noqa: S608


class Rewritten(NamedTuple):
    """What an event says from now on."""

    shard: int
    position: int
    schema: int
    actor: str
    data: bytes


def page_after(reader: Reader, shard: int, after: int, limit: int) -> list[Row]:
    """The events of a shard after a position as stored rows, in the order of COLUMNS."""
    return reader.all(_PAGE, (shard, after, limit))


def rewrite(connection: Connection, events: Iterable[Rewritten]) -> None:
    """Replace what events say, within the writer's transaction."""
    connection.execute_many(
        _REWRITE, [(event.schema, event.actor, event.data, event.shard, event.position) for event in events]
    )


async def drop_former_pages(store: EventStore) -> None:
    """Empty the write-ahead log of SQLite, which has pages as they were before.

    While somebody reads an older state it stays, until the next checkpoint. PostgreSQL drops old rows by its vacuum.
    """
    if store.backend.dialect == "sqlite":
        await asyncio.to_thread(_empty_log, store)


def _empty_log(store: EventStore) -> None:
    connection = store.backend.connect()
    try:
        connection.all("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
