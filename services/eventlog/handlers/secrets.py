"""Secrets in copies that an older release made: blanked when the log opens, in the rows and in the file below them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from services.eventlog.adapters.packing import Packer, unpack
from shared.eventstore.connection import Reader
from shared.eventstore.event import without_secrets
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

log = structlog.get_logger("eventlog")

_REWRITE = {"sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"), "postgresql": ("VACUUM FULL fact",)}
"""What was overwritten stands in free pages and old row versions until the table is written anew."""


async def forget_secrets(store: EventStore, packer: Packer, types: Iterable[str]) -> int:
    """Blank what events of these types should never have brought along; how many events. Before the intake starts. Raises
    StoreUnavailable.

    Owners blank their events before they pass them on, so this finds something once at most, after an update.
    """
    names = tuple(types)
    count = await store.write(lambda transaction: sum(_blank(transaction, packer, name) for name in names), long=True)
    if count:
        log.info("eventlog.secrets_forgotten", events=count)
        await asyncio.to_thread(_rewrite, store)
    return count


def _blank(transaction: Transaction, packer: Packer, name: str) -> int:
    cleaned = [
        (packer.pack(clean), log_id)
        for log_id, data in _events(transaction, name)
        if (clean := without_secrets(name, data)) != data
    ]
    transaction.connection.execute_many("UPDATE fact SET data = ? WHERE id = ?", cleaned)
    return len(cleaned)


def _events(reader: Reader, name: str) -> list[tuple[int, bytes]]:
    rows = reader.all("SELECT f.id, f.data FROM fact f JOIN fact_type t ON t.id = f.type WHERE t.name = ?", (name,))
    return [(log_id, unpack(data)) for log_id, data in rows]


def _rewrite(store: EventStore) -> None:
    connection = store.backend.connect()
    try:
        for statement in _REWRITE[store.backend.dialect]:
            connection.execute(statement)
    finally:
        connection.close()
