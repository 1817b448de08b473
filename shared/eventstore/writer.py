"""The one writer of a store: works gather while the group before them is flushed, so a busy store flushes once for many
callers.

Two ways to the same groups. `ThreadWriter` runs everything on a thread of its own: right for a database behind a
network. `LoopWriter` runs the statements on the loop and leaves only the flush to a thread: with SQLite a statement
takes microseconds, and handing the interpreter to and fro for each of them costs more than running it (docs/adr/0003).
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import sqlalchemy

from shared.eventstore.connection import Connection, StoreUnavailable
from shared.eventstore.group import Frame, GroupCommit, Step, Submitted, fail, resolve

T = TypeVar("T")


class ThreadWriter:
    """Runs units of work in groups on a thread of its own."""

    def __init__(
        self, open_connection: Callable[[], Connection], frame: Frame, group_limit: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._open_connection = open_connection
        self.group = GroupCommit(frame)
        self._limit = group_limit
        self._loop = loop
        self._queue: queue.SimpleQueue[Submitted | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._stopping = False

    def start(self) -> None:
        """Begin to take works."""
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        self._stopping = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run one unit of work in the next group; returns its result after the commit. Raises what the work raised, or
        StoreUnavailable.
        """
        if self._stopping:
            raise StoreUnavailable("the store is closing")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(Submitted(work, future))
        return await future

    @property
    def has_ended(self) -> bool:
        """Whether nobody works off what is submitted."""
        return not (self._stopping or self._thread.is_alive())

    def _serve(self) -> None:
        connection: Connection | None = None
        while True:
            group, last = self._gather()
            if group:
                connection = connection or self._connected(group)
                if connection is not None:
                    self.group.guarded(self.group.whole, connection, group)
                    connection = self.group.kept(connection)
                self.group.under_way = []
                _answer(self._loop, group)
            if last:
                break
        if connection is not None:
            connection.close()

    def _connected(self, group: list[Submitted]) -> Connection | None:
        try:
            return self._open_connection()
        except (sqlalchemy.exc.OperationalError, psycopg.OperationalError, StoreUnavailable) as error:
            fail(group, StoreUnavailable(str(error)))
            return None

    def _gather(self) -> tuple[list[Submitted], bool]:
        """The next group, waiting for its first work, and whether the thread should end after it."""
        group: list[Submitted] = []
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


class LoopWriter:
    """Runs the statements of short works on the loop, and each group's flush on a thread. Long works run on the thread
    whole.
    """

    def __init__(
        self, open_connection: Callable[[], Connection], frame: Frame, group_limit: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._open_connection = open_connection
        self.group = GroupCommit(frame)
        self._limit = group_limit
        self._loop = loop
        self._waiting: deque[tuple[Submitted, bool]] = deque()
        self._connection: Connection | None = None
        self._is_flushing = False
        self._is_due = False
        self._jobs: queue.SimpleQueue[tuple[Step, Connection, list[Submitted]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-flusher", daemon=True)
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def start(self) -> None:
        """Begin to take works."""
        self._connection = self._open_connection()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        self._stopping = True
        await self._idle.wait()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def run(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """As `ThreadWriter.run`; a `long` work does not keep the loop from others."""
        if self._stopping:
            raise StoreUnavailable("the store is closing")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((Submitted(work, future), long))
        self._idle.clear()
        if not (self._is_flushing or self._is_due):
            # At the loop's next turn, so that works of one turn make one group.
            self._is_due = True
            self._loop.call_soon(self._turn)
        return await future

    @property
    def resting(self) -> Connection | None:
        """The writer's connection while no group is under way: what it last wrote, it need not read again. For the loop
        alone, and at once.
        """
        return None if self._is_flushing else self._connection

    @property
    def has_ended(self) -> bool:
        """As of ThreadWriter."""
        return not (self._stopping or self._thread.is_alive())

    def _turn(self) -> None:
        self._is_due = False
        group, long = self._gather()
        if not group:
            self._idle.set()
            return
        self._is_flushing = True
        connection = self._connection = self._connection or self._connected(group)
        if connection is None:
            self._answered(group)
        elif long:
            self._jobs.put((self.group.whole, connection, group))
        elif self.group.guarded(self.group.perform, connection, group):
            self._jobs.put((self.group.commit, connection, group))
        else:
            self._answered(group)

    def _gather(self) -> tuple[list[Submitted], bool]:
        """The next group: one long work, or the short ones up to it."""
        group: list[Submitted] = []
        while self._waiting and len(group) < self._limit:
            submitted, long = self._waiting[0]
            if long and group:
                break
            self._waiting.popleft()
            group.append(submitted)
            if long:
                return group, True
        return group, False

    def _connected(self, group: list[Submitted]) -> Connection | None:
        """In the place of a connection that could not be used any more."""
        try:
            return self._open_connection()
        except Exception as error:
            fail(group, StoreUnavailable(str(error)))
            return None

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            step, connection, group = job
            self.group.guarded(step, connection, group)
            self._hand_back(group)

    def _hand_back(self, group: list[Submitted]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._answered, group)
        except RuntimeError:
            # The loop has closed: nobody is left to be answered, what was committed stays committed.
            return

    def _answered(self, group: list[Submitted]) -> None:
        self._is_flushing = False
        self.group.under_way = []
        if self._connection is not None:
            self._connection = self.group.kept(self._connection)
        resolve(group)
        # Those just answered go first: what they write next belongs to the next group.
        self._is_due = True
        self._loop.call_soon(self._turn)


Writer = ThreadWriter | LoopWriter


def _answer(loop: asyncio.AbstractEventLoop, group: list[Any]) -> None:
    try:
        loop.call_soon_threadsafe(resolve, group)
    except RuntimeError:
        # As in `_hand_back`.
        return
