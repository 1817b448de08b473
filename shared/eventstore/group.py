"""A group: many units of work in one transaction. A failed one is rolled back alone.

Each has a savepoint, but for the first: there the transaction holds nothing else, and begins again when it fails.
"""

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
    """The state in memory that must be restored when a unit of work or a group fails."""

    def group_begins(self, connection: Connection) -> None:
        """Note that a transaction has begun. May raise StoreUnavailable (a lost lease)."""

    def work_begins(self) -> None:
        """Note that a unit of work begins."""

    def work_failed(self) -> None:
        """Note that the unit of work was rolled back."""

    def group_ends(self, connection: Connection) -> None:
        """Note that all units of work are done and the commit follows; noted cursors are written here."""

    def group_committed(self) -> None:
        """Note that the group is durable."""

    def group_failed(self) -> None:
        """Note that the whole group was rolled back."""


class Submitted:
    """A unit of work and the future of its caller."""

    __slots__ = ("error", "future", "is_alone", "result", "since", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any], *, is_alone: bool = False) -> None:
        """`is_alone`: it forms a group by itself, which fails with it."""
        self.work = work
        self.is_alone = is_alone
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.since = monotonic()


Step = Callable[[Connection, list[Submitted]], Any]


class GroupCommit:
    """Runs a group on a connection, step by step."""

    def __init__(self, frame: Frame, enough: int = _NO_LIMIT) -> None:
        self._frame = frame
        self._enough = enough
        """Rows and statements after which a group takes no further unit of work."""
        self.left: list[Submitted] = []
        """The units of work for which the last group had no room."""
        self.under_way: list[Submitted] = []
        """The units of work that are running on the connection."""
        self.is_broken = False
        """Whether the connection cannot be used any more and must be replaced."""
        self.groups = 0
        self.works = 0

    def perform(self, connection: Connection, group: list[Submitted]) -> bool:
        """Run the units of work in a new transaction, up to its commit; False when the group failed.

        Those for which it has no room are in `left`.
        """
        self.under_way, self.left = group, []
        begun, done = connection.tally.touched, 0
        try:
            connection.begin()
            self._frame.group_begins(connection)
            while done < len(group) and (not done or connection.tally.touched - begun < self._enough):
                if done:
                    self._attempt(connection, group[done])
                else:
                    self._attempt_first(connection, group[done])
                done += 1
            self._frame.group_ends(connection)
        except Exception as error:
            self.give_up(connection, group, error)
            return False
        self.left = group[done:]
        del group[done:]
        return True

    def commit(self, connection: Connection, group: list[Submitted]) -> None:
        """Commit the group, and note it in the frame."""
        try:
            connection.commit()
        except Exception as error:
            self.give_up(connection, group, error)
            return
        self.groups += 1
        self.works += len(group)
        self._frame.group_committed()

    def give_up(self, connection: Connection, group: list[Submitted], error: Exception) -> None:
        """Roll back the whole group: every unit of work has failed, or may have failed when the commit is in doubt."""
        self._frame.group_failed()
        fail(group, named(error))
        try:
            connection.rollback()
        except StoreUnavailable:
            # The connection is lost, and its transaction with it; `begin` of the next group opens another one.
            return
        except Exception as failure:
            log.error("store.rollback_failed", exc_info=failure)
            self.is_broken = True

    def guarded(self, step: Step, connection: Connection, group: list[Submitted]) -> bool:
        """Run a step of a group; returns its result.

        After an unforeseen error the units of work fail and the connection is dropped, but the writer goes on.
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
        """Seconds since the oldest running unit of work was submitted; 0 when there is none."""
        return monotonic() - self.under_way[0].since if self.under_way else 0.0

    def whole(self, connection: Connection, group: list[Submitted]) -> None:
        """Run and commit the group."""
        if self.perform(connection, group):
            self.commit(connection, group)

    def _attempt_first(self, connection: Connection, submitted: Submitted) -> None:
        """Run a unit of work for which nothing else would be lost with the transaction.

        A savepoint would be two statements more, and for a long unit of work it would keep the undo data of whole
        tables in SQLite's memory.
        """
        self._frame.work_begins()
        try:
            submitted.result = submitted.work(connection)
        except Exception as error:
            if submitted.is_alone:
                raise
            submitted.error = named(error)
            self._frame.work_failed()
            connection.rollback()
            connection.begin()
            self._frame.group_begins(connection)

    def _attempt(self, connection: Connection, submitted: Submitted) -> None:
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
    """Answer the callers, on their event loop."""
    for submitted in group:
        if submitted.future.done():
            continue
        if submitted.error is not None:
            submitted.future.set_exception(submitted.error)
        else:
            submitted.future.set_result(submitted.result)


def fail(group: list[Submitted], error: BaseException) -> None:
    """Let every unit of work that has not failed by itself fail with this error."""
    for submitted in group:
        submitted.error = submitted.error or error


def named(error: Exception) -> Exception:
    """StoreUnavailable for an error of the database driver; other errors are returned unchanged."""
    if sqlite.is_transient(error) or isinstance(error, psycopg.OperationalError):
        unavailable = StoreUnavailable(str(error))
        unavailable.__cause__ = error
        return unavailable
    return error
