"""One group: many units of work in one transaction, each under a savepoint; a failed work rolls back itself alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol, TypeVar

import psycopg
import structlog

from shared.eventstore import sqlite
from shared.eventstore.connection import Connection, StoreUnavailable

log = structlog.get_logger("eventstore")
T = TypeVar("T")
Work = Callable[[Connection], Any]
_NO_LIMIT = 1 << 62


class Frame(Protocol):
    """What the store keeps beside the rows and must take back when a work or a group fails."""

    def group_begins(self, connection: Connection) -> None:
        """A transaction was opened. May raise StoreUnavailable (a lost lease)."""

    def work_begins(self) -> None:
        """A unit of work starts."""

    def work_failed(self) -> None:
        """The unit of work was undone."""

    def group_ends(self, connection: Connection) -> None:
        """The works are done, the commit comes next: noted cursors are written here."""

    def group_committed(self) -> None:
        """The group is durable."""

    def group_failed(self) -> None:
        """The whole group was undone."""


class Submitted:
    """A unit of work and the future of its caller."""

    __slots__ = ("error", "future", "is_alone", "result", "since", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any], *, is_alone: bool = False) -> None:
        """`is_alone`: a group of its own, which fails with it."""
        self.work = work
        self.is_alone = is_alone
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.since = monotonic()


Step = Callable[[Connection, list[Submitted]], Any]


class GroupCommit:
    """The steps of a group on one connection."""

    def __init__(self, frame: Frame, enough: int = _NO_LIMIT) -> None:
        self._frame = frame
        self._enough = enough
        """Rows and statements after which a group takes no further work."""
        self.left: list[Submitted] = []
        """The works of the last group that it had no room for."""
        self.under_way: list[Submitted] = []
        """The works that are on the connection now."""
        self.is_broken = False
        """Whether the connection cannot be used any more: another one must take its place."""
        self.groups = 0
        self.works = 0

    def perform(self, connection: Connection, group: list[Submitted]) -> bool:
        """Run the works inside a fresh transaction, up to its commit; False when the group was given up. Works that it
        has no room for leave the group: see `left`.
        """
        self.under_way, self.left = group, []
        begun, done = connection.tally.touched, 0
        try:
            connection.begin()
            self._frame.group_begins(connection)
            while done < len(group) and (not done or connection.tally.touched - begun < self._enough):
                self._attempt(connection, group[done])
                done += 1
            self._frame.group_ends(connection)
        except Exception as error:
            self.give_up(connection, group, error)
            return False
        self.left = group[done:]
        del group[done:]
        return True

    def commit(self, connection: Connection, group: list[Submitted]) -> None:
        """Make the group durable and tell the frame."""
        try:
            connection.commit()
        except Exception as error:
            self.give_up(connection, group, error)
            return
        self.groups += 1
        self.works += len(group)
        self._frame.group_committed()

    def give_up(self, connection: Connection, group: list[Submitted], error: Exception) -> None:
        """Undo the whole group: every work has failed, or may have when its commit is in doubt."""
        self._frame.group_failed()
        fail(group, named(error))
        try:
            connection.rollback()
        except StoreUnavailable:
            # The connection is gone and its transaction with it; `begin` of the next group opens another.
            return
        except Exception as failure:
            log.error("store.rollback_failed", exc_info=failure)
            self.is_broken = True

    def guarded(self, step: Step, connection: Connection, group: list[Submitted]) -> bool:
        """Run a step of a group; what it answers. A fault that nobody foresaw fails the group's works and costs the
        connection: the writer itself goes on.
        """
        try:
            return bool(step(connection, group))
        except Exception as error:
            log.error("store.writer_failed", works=len(group), exc_info=error)
            self._frame.group_failed()
            fail(group, StoreUnavailable(f"the writer failed: {error!r}", in_doubt=True))
            self.is_broken = True
            return False

    def kept(self, connection: Connection) -> Connection | None:
        """The connection for the next group; None when it cannot be used any more."""
        if not self.is_broken:
            return connection
        self.is_broken = False
        try:
            connection.close()
        except Exception as error:
            log.warning("store.close_failed", error=repr(error))
        return None

    @property
    def longest_wait(self) -> float:
        """Seconds since the oldest of the works under way was submitted; 0 when there are none."""
        return monotonic() - self.under_way[0].since if self.under_way else 0.0

    def whole(self, connection: Connection, group: list[Submitted]) -> None:
        """Perform and commit."""
        if self.perform(connection, group):
            self.commit(connection, group)

    def _attempt(self, connection: Connection, submitted: Submitted) -> None:
        if submitted.is_alone:
            # Without a savepoint: SQLite keeps what it would undo in memory, and a long work changes whole tables.
            self._frame.work_begins()
            submitted.result = submitted.work(connection)
            return
        connection.save()
        self._frame.work_begins()
        try:
            submitted.result = submitted.work(connection)
        except Exception as error:
            submitted.error = named(error)
            self._frame.work_failed()
            connection.undo()
        else:
            connection.release()


def resolve(group: list[Submitted]) -> None:
    """Answer the callers, on their loop."""
    for submitted in group:
        if submitted.future.done():
            continue
        if submitted.error is not None:
            submitted.future.set_exception(submitted.error)
        else:
            submitted.future.set_result(submitted.result)


def fail(group: list[Submitted], error: BaseException) -> None:
    """Let every work of the group that has not failed by itself fail with this."""
    for submitted in group:
        submitted.error = submitted.error or error


def named(error: Exception) -> Exception:
    """A driver's complaint about the database becomes StoreUnavailable; what a work raised stays as it is."""
    if sqlite.is_transient(error) or isinstance(error, psycopg.OperationalError):
        unavailable = StoreUnavailable(str(error))
        unavailable.__cause__ = error
        return unavailable
    return error
