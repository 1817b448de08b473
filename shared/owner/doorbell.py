"""Wakes a store's followers at each commit."""

from __future__ import annotations

from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell
from shared.eventstore.store import EventStore


def ring_at_commits(bus: Bus, service: str, store: EventStore) -> None:
    """Ring once a group: followers listen to all shards and read what there is, so one ring says enough. They gather,
    so it has time.
    """
    store.on_commit(lambda recorded: bus.ring(store_doorbell(service, recorded[0].shard), batched=True))
