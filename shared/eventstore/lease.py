"""The right to write a store's shards: on PostgreSQL a lease with a fencing number, which each commit checks.

SQLite needs none, because its file lock admits one process. On PostgreSQL every process has its own holder name. It
takes over at once a lease that was given back or has expired, or whose holder is known to be dead because its file lock
is free (`file_lock.py`). For any other lease it waits.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from shared.clock import Clock
from shared.eventstore.connection import Connection, StoreUnavailable
from shared.eventstore.file_lock import FileLock
from shared.ids import SHARDS

_SECOND = 1_000_000


class LeaseHeld(Exception):
    """Another process writes this store, and its lease has not expired."""


class FencedOut(StoreUnavailable):
    """Another process has taken this store over; this one must not write any more."""


class Lease:
    """The lease for all shards of a store. `name` describes the holder to people."""

    def __init__(self, dialect: str, name: str, clock: Clock, lock: FileLock | None = None, seconds: int = 30) -> None:
        self._needed = dialect == "postgresql"
        self._holder = f"{name or socket.gethostname()} {os.getpid()} {os.urandom(8).hex()}"
        self._clock = clock
        self._lock = lock
        self._length = seconds * _SECOND
        self._fence = 0
        self.renew_seconds = seconds / 3

    def take(self, connect: Callable[[], Connection]) -> None:
        """Take the lease. Raises LeaseHeld while another's lease is valid.

        The fencing number increases, which excludes the former holder.
        """
        if not self._needed:
            return
        dead = self._lock.signatures if self._lock else frozenset()
        if self._lock:
            # all of these, because any of them may hold the lease when this process ends
            self._lock.sign(*sorted(dead), self._holder)
        connection = connect()
        connection.begin()
        try:
            self._take_over(connection, dead)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()
        if self._lock:
            self._lock.sign(self._holder)

    def renew(self, connect: Callable[[], Connection]) -> None:
        """Renew the lease for another term. Raises FencedOut when another process has taken it over."""
        connection = connect()
        try:
            if not self._extend(connection, self._clock.now() + self._length):
                self.check(connection)
        finally:
            connection.close()

    def give_back(self, connect: Callable[[], Connection]) -> None:
        """Give the lease back, so that the next writer need not wait."""
        if self._needed:
            connection = connect()
            try:
                self._extend(connection, 0)
            finally:
                connection.close()

    def check(self, connection: Connection) -> None:
        """Check the lease at the beginning of a transaction; until that ends, a take-over waits.

        All shards change hands together, so locking the row of the first one protects them all. Raises FencedOut.
        """
        if not self._needed:
            return
        row = connection.first_row("SELECT holder, fence FROM lease WHERE shard = 0 FOR SHARE")
        if row != (self._holder, self._fence):
            raise self._fenced_out(row[0] if row else "nobody")

    def _take_over(self, connection: Connection, dead: frozenset[str]) -> None:
        # Before the first lease there is no row to lock; one process at a time takes a lease.
        connection.execute("LOCK TABLE lease IN SHARE ROW EXCLUSIVE MODE")
        now = self._clock.now()
        rows = connection.all("SELECT holder, fence, until FROM lease ORDER BY shard FOR UPDATE")
        ours = {self._holder, *dead}
        for holder, _, until in rows:
            if holder not in ours and until > now:
                seconds = -(-(until - now) // _SECOND)
                raise LeaseHeld(f"{_shown(holder)} holds the lease for another {seconds} s")
        self._fence = max((fence for _, fence, _ in rows), default=0) + 1
        self._write(connection, now + self._length)

    def _write(self, connection: Connection, until: int) -> None:
        for shard in range(SHARDS):
            connection.execute(
                "INSERT INTO lease (shard, holder, fence, until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (shard) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = "
                "excluded.until",
                (shard, self._holder, self._fence, until),
            )

    def _extend(self, connection: Connection, until: int) -> int:
        """Extend the lease; returns the number of rows that are still ours."""
        sql = "UPDATE lease SET until = ? WHERE holder = ? AND fence = ?"
        return connection.execute(sql, (until, self._holder, self._fence))

    @staticmethod
    def _fenced_out(holder: str) -> FencedOut:
        return FencedOut(f"fenced out: {_shown(holder)} has taken the store over")


def _shown(holder: str) -> str:
    """The holder for people, without the number that distinguishes processes."""
    name, _, _nonce = holder.rpartition(" ")
    return name or holder
