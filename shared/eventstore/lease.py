"""The right to write a store's shards: a lease with a fencing number, checked in each commit on PostgreSQL.

SQLite needs none: the file lock of its backend lets one process in.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from shared.clock import Clock
from shared.eventstore.connection import Connection, StoreUnavailable
from shared.shards import SHARDS

_SECOND = 1_000_000


class LeaseHeld(Exception):
    """Another process writes this store; its lease has not run out."""


class Lease:
    """All shards of a store, held by one process at a time."""

    def __init__(self, dialect: str, holder: str, clock: Clock, seconds: int = 30) -> None:
        self._needed = dialect == "postgresql"
        self._holder = holder or f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._clock = clock
        self._length = seconds * _SECOND
        self._fence = 0
        self.renew_seconds = seconds / 3

    def take(self, connect: Callable[[], Connection]) -> None:
        """Become the writer. Raises LeaseHeld while another's lease runs; the fencing number rises, which shuts out
        whoever held it.
        """
        if not self._needed:
            return
        connection = connect()
        connection.begin()
        try:
            # Before the first lease there is no row to wait for; one process at a time takes any.
            connection.execute("LOCK TABLE lease IN SHARE ROW EXCLUSIVE MODE")
            now = self._clock.now()
            rows = connection.all("SELECT shard, holder, fence, until FROM lease ORDER BY shard FOR UPDATE")
            other = next((row for row in rows if row[1] != self._holder and row[3] > now), None)
            if other is not None:
                raise LeaseHeld(f"{other[1]} holds the lease for another {(other[3] - now) // _SECOND} s")
            self._fence = max((row[2] for row in rows), default=0) + 1
            self._write(connection, now + self._length)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()

    def renew(self, connect: Callable[[], Connection]) -> None:
        """Hold on for another term; silently without effect when fenced out, which the next commit notices."""
        self._alone(
            connect, "UPDATE lease SET until = ? WHERE holder = ? AND fence = ?", self._clock.now() + self._length
        )

    def give_back(self, connect: Callable[[], Connection]) -> None:
        """Let the next writer in at once."""
        if self._needed:
            self._alone(connect, "UPDATE lease SET until = ? WHERE holder = ? AND fence = ?", 0)

    def check(self, connection: Connection) -> None:
        """At the begin of a transaction: refuse it when another has taken over; until it ends, a take-over waits.

        All shards change hands together, so the row of the first one guards them all. Raises StoreUnavailable.
        """
        if self._needed and connection.one("SELECT holder, fence FROM lease WHERE shard = 0 FOR SHARE") != (
            self._holder,
            self._fence,
        ):
            raise StoreUnavailable("fenced out: another process writes this store now")

    def _write(self, connection: Connection, until: int) -> None:
        for shard in range(SHARDS):
            connection.execute(
                "INSERT INTO lease (shard, holder, fence, until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (shard) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until",
                (shard, self._holder, self._fence, until),
            )

    def _alone(self, connect: Callable[[], Connection], sql: str, until: int) -> None:
        connection = connect()
        try:
            connection.execute(sql, (until, self._holder, self._fence))
        finally:
            connection.close()
