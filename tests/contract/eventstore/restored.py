"""A store that was restored from a backup: some last events are gone, and new ones take their positions."""

from __future__ import annotations

from collections.abc import Mapping

from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from tests.contract.eventstore.harness import Harness


def forget(transaction: Transaction, shard: int, position: int) -> None:
    """Delete a shard's events after a position; each stream goes back to its last remaining event."""
    connection = transaction.connection
    connection.execute("DELETE FROM event WHERE shard = ? AND position > ?", (shard, position))
    connection.execute(
        "UPDATE stream SET version = (SELECT coalesce(max(version), 0) FROM event WHERE event.stream = stream.stream)"
        " WHERE shard = ?",
        (shard,),
    )


async def restored_to(harness: Harness, store: EventStore, heads: Mapping[int, int]) -> EventStore:
    """The store, opened again without the events after these heads."""
    for shard, position in heads.items():
        await store.write(lambda transaction, at=(shard, position): forget(transaction, *at))  # type: ignore[misc]
    await harness.close(store)
    return await harness.open()
