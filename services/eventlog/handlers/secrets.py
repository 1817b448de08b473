"""Blanks secrets in copies that an older release made, when the log is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

import structlog

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.packing import Packer, unpack
from shared.eventstore.connection import Reader
from shared.eventstore.event import without_secrets
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

log = structlog.get_logger("eventlog")

_PAGE = (
    "SELECT id, data FROM fact WHERE type = (SELECT id FROM fact_type WHERE name = ?) AND id > ? ORDER BY id LIMIT 500"
)
_REWRITE = {"sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"), "postgresql": ("VACUUM FULL fact",)}
"""Rewrites the table, because overwritten data stays in free pages and old row versions until then."""


async def forget_secrets(store: EventStore, packer: Packer, types: Iterable[str]) -> int:
    """Blank the secrets in events of these types; returns the number of events.

    It runs before events are taken, and raises StoreUnavailable. Owners blank the secrets before they pass events on,
    so this finds some only once, after an update.
    """
    names = tuple(types)
    count = sum([await _blanked(store, packer, name) for name in names])
    if count:
        log.info("eventlog.secrets_forgotten", events=count)
        await asyncio.to_thread(_rewrite, store)
    return count


async def _blanked(store: EventStore, packer: Packer, name: str) -> int:
    """Blank the events of a type, a page at a time; returns the number of events that had a secret."""
    count, after = 0, -1
    while page := await store.read(partial(_page, name=name, after=after)):
        after = page[-1][0]
        cleaned = [
            (packer.pack(clean), log_id) for log_id, data in page if (clean := without_secrets(name, data)) != data
        ]
        if cleaned:
            await store.write(partial(_blank, cleaned=cleaned))
        count += len(cleaned)
    return count


def _blank(transaction: Transaction, cleaned: Sequence[tuple[bytes, int]]) -> None:
    transaction.connection.execute_many("UPDATE fact SET data = ? WHERE id = ?", cleaned)
    if copy_rows.state(transaction, copy_rows.TOKEN):
        ids = [log_id for _, log_id in cleaned]
        copy_rows.forget(transaction.connection, ids)
        copy_rows.send(transaction.connection, ids)


def _page(reader: Reader, name: str, after: int) -> list[tuple[int, bytes]]:
    """The next events of a type, by the index of types."""
    return [(log_id, unpack(data)) for log_id, data in reader.all(_PAGE, (name, after))]


def _rewrite(store: EventStore) -> None:
    connection = store.backend.connect()
    try:
        for statement in _REWRITE[store.backend.dialect]:
            connection.execute(statement)
    finally:
        connection.close()
