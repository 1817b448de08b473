"""The state that a store keeps in memory beside the rows of a group."""

from __future__ import annotations

from collections.abc import Callable

from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded
from shared.eventstore.lease import FencedOut, Lease
from shared.eventstore.transaction import SET_CURSOR, Heads


class StoreFrame:
    """The heads, appended events, noted cursors and lease that belong to a group."""

    def __init__(self, heads: Heads, lease: Lease) -> None:
        self._heads = heads
        self._lease = lease
        self._at_work: list[int] = []
        self._kept = 0
        self.appended: list[Recorded] = []
        self.noted_cursors: dict[tuple[str, int], int] = {}
        self._written_cursors: dict[tuple[str, int], int] = {}
        self._doubtful = False
        self.listeners: list[Callable[[list[Recorded]], None]] = []
        self.fenced_out: Callable[[FencedOut], None] = _nothing
        """Called on any thread when the lease is lost."""

    def group_begins(self, connection: Connection) -> None:
        try:
            self._lease.check(connection)
        except FencedOut as error:
            self.fenced_out(error)
            raise
        if self._doubtful:
            self._heads.load(connection)
            self._doubtful = False
        self.appended = []
        self._written_cursors = {}

    def work_begins(self) -> None:
        self._at_work = self._heads.positions[:]
        self._kept = len(self.appended)

    def work_failed(self) -> None:
        self._heads.positions[:] = self._at_work
        del self.appended[self._kept :]

    def group_ends(self, connection: Connection) -> None:
        self._written_cursors, self.noted_cursors = self.noted_cursors, {}
        for (name, shard), position in self._written_cursors.items():
            connection.execute(SET_CURSOR, (name, shard, position))

    def group_committed(self) -> None:
        self._written_cursors = {}
        if self.appended:
            for listener in self.listeners:
                listener(self.appended)

    def group_failed(self) -> None:
        # A commit whose answer was lost may have succeeded, so only the rows say where the shards are.
        self._doubtful = True
        self.noted_cursors = {**self._written_cursors, **self.noted_cursors}
        self.appended = []


def _nothing(_error: FencedOut) -> None:
    """Ignore the error."""
