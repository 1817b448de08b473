"""The one writer thread of a store: many units of work, one transaction, one flush to disk.

While a group is being flushed the next one gathers, so a busy store flushes once for many callers and an idle one
answers at once. A failed work rolls back itself alone; each caller is answered after the commit that makes its answer true.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import psycopg
import sqlalchemy

from shared.eventstore import sqlite
from shared.eventstore.connection import Connection, StoreUnavailable

T = TypeVar("T")
Work = Callable[[Connection], Any]


class Frame(Protocol):
    """What the store keeps beside the rows and must take back when a work or a group fails."""

    def group_begins(self, connection: Connection) -> None:
        """A transaction was opened. May raise StoreUnavailable (a lost lease)."""

    def work_begins(self) -> None:
        """A unit of work starts."""

    def work_failed(self) -> None:
        """The unit of work was undone."""

    def group_ends(self, connection: Connection) -> None:
        """The works are done, the commit comes next: what rides on the group is written here."""

    def group_committed(self) -> None:
        """The group is durable."""

    def group_failed(self) -> None:
        """The whole group was undone."""


class _Submitted:
    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Runs units of work in groups on a thread of its own."""

    def __init__(self, open_connection: Callable[[], Connection], frame: Frame, group_limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self._open_connection = open_connection
        self._frame = frame
        self._limit = group_limit
        self._loop = loop
        self._queue: queue.SimpleQueue[_Submitted | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._stopping = False
        self.groups = 0
        self.works = 0

    def start(self) -> None:
        """Begin to take works."""
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        self._stopping = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run one unit of work in the next group; returns its result after the commit. Raises what the work raised, or StoreUnavailable."""
        if self._stopping:
            raise StoreUnavailable("the store is closing")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Submitted(work, future))
        return await future

    def _serve(self) -> None:
        connection: Connection | None = None
        while True:
            group, last = self._gather()
            if group:
                connection = connection or self._connected(group)
                if connection is not None:
                    self._write(connection, group)
                self._answer(group)
            if last:
                break
        if connection is not None:
            connection.close()

    def _connected(self, group: list[_Submitted]) -> Connection | None:
        try:
            return self._open_connection()
        except (sqlalchemy.exc.OperationalError, psycopg.OperationalError, StoreUnavailable) as error:
            _fail(group, StoreUnavailable(str(error)))
            return None

    def _gather(self) -> tuple[list[_Submitted], bool]:
        """The next group, waiting for its first work, and whether the thread should end after it."""
        group: list[_Submitted] = []
        item = self._queue.get()
        while True:
            if item is None:
                return group, True
            group.append(item)
            if len(group) >= self._limit:
                return group, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, False

    def _write(self, connection: Connection, group: list[_Submitted]) -> None:
        try:
            connection.begin()
            self._frame.group_begins(connection)
            for submitted in group:
                self._attempt(connection, submitted)
            self._frame.group_ends(connection)
            connection.commit()
        except Exception as error:
            self._give_up(connection, group, error)
            return
        self.groups += 1
        self.works += len(group)
        self._frame.group_committed()

    def _attempt(self, connection: Connection, submitted: _Submitted) -> None:
        connection.save()
        self._frame.work_begins()
        try:
            submitted.result = submitted.work(connection)
        except Exception as error:
            submitted.error = _named(error)
            self._frame.work_failed()
            connection.undo()
        else:
            connection.release()

    def _give_up(self, connection: Connection, group: list[_Submitted], error: Exception) -> None:
        self._frame.group_failed()
        _fail(group, _named(error))
        try:
            connection.rollback()
        except StoreUnavailable:
            # The connection is gone and its transaction with it; `begin` of the next group opens another.
            return

    def _answer(self, group: list[_Submitted]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, group)
        except RuntimeError:
            # The loop has closed: nobody is left to be answered, what was committed stays committed.
            return


def _resolve(group: list[_Submitted]) -> None:
    for submitted in group:
        if submitted.future.done():
            continue
        if submitted.error is not None:
            submitted.future.set_exception(submitted.error)
        else:
            submitted.future.set_result(submitted.result)


def _fail(group: list[_Submitted], error: BaseException) -> None:
    for submitted in group:
        submitted.error = submitted.error or error


def _named(error: Exception) -> Exception:
    """A driver's complaint about the database becomes StoreUnavailable; what a work raised stays as it is."""
    if sqlite.is_transient(error) or isinstance(error, psycopg.OperationalError):
        unavailable = StoreUnavailable(str(error))
        unavailable.__cause__ = error
        return unavailable
    return error
