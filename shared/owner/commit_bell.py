"""Wakes the followers of a store when it commits.

On PostgreSQL a follower does not see an event while an older transaction runs anywhere in the cluster, so a ring at the
commit may come too early. The bell then rings again as soon as the events are visible; without that a follower would
sleep until its next comparison.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.background import spawn
from shared.bus.bus import Bus
from shared.bus.subjects import store_doorbell
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore

_LOOK_SECONDS = 0.02
_LOOKS = 1_500
"""Looks at a commit, some 30 s; after that the followers' own comparison finds it."""


class CommitBell:
    """The bell of one store."""

    def __init__(self, bus: Bus, service: str, store: EventStore) -> None:
        self._bus = bus
        self._service = service
        self._store = store
        self._committed: dict[int, int] = {}
        """The last committed position of each shard that followers may not see yet."""
        self._is_looking = False

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Ring once for a group: followers listen to all shards and read everything new.

        They collect events anyway, so the ring is sent with other messages.
        """
        self._ring(recorded[0].shard)
        if not self._store.shows_commits_late:
            return
        self._committed |= {item.shard: item.position for item in recorded}
        if not self._is_looking:
            self._is_looking = True
            spawn(self._until_visible(), "commit-bell")

    async def _until_visible(self) -> None:
        """Ring again when events that were hidden at their commit become visible."""
        try:
            for look in range(_LOOKS):
                hidden = await self._hidden()
                if hidden is None:
                    if look:
                        self._ring(0)
                    return
                await asyncio.sleep(_LOOK_SECONDS)
        except StoreUnavailable:
            return  # followers compare again when the store is back
        finally:
            self._is_looking = False

    async def _hidden(self) -> int | None:
        """A shard with a committed event that followers do not see; None when they see all."""
        heads = await self._store.heads()
        return next((shard for shard, position in self._committed.items() if heads.get(shard, 0) < position), None)

    def _ring(self, shard: int) -> None:
        self._bus.ring(store_doorbell(self._service, shard), batched=True)


def ring_at_commits(bus: Bus, service: str, store: EventStore) -> None:
    """Wake the store's followers at each commit."""
    store.on_commit(CommitBell(bus, service, store).committed)
