"""The only writer of a store: units of work collect while the group before them is flushed, so one flush serves many.

There are two writers for the same groups. `ThreadWriter` runs everything on a thread, which suits a database behind a
network. `LoopWriter` runs the statements on the event loop and leaves only the flush to a thread: with SQLite a
statement takes microseconds, and switching threads for each would cost more than running it (docs/adr/0003).
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
from shared.turns import ROW, SHARE, Turns

T = TypeVar("T")
TOUCHED_A_TURN = 2 * SHARE // ROW
"""Statements and rows that one turn of the event loop carries out."""


class Waiting:
    """Units of work that wait for their group.

    A long one is a group of its own. Long ones do not follow each other while short ones wait, so a short one waits for
    one long one at most.
    """

    def __init__(self) -> None:
        self._short: deque[Submitted] = deque()
        self._long: deque[Submitted] = deque()
        self._was_long = False

    def __bool__(self) -> bool:
        return bool(self._short or self._long)

    def put(self, work: Submitted, *, long: bool) -> None:
        """Add a unit of work at the end."""
        (self._long if long else self._short).append(work)

    def put_back(self, works: list[Submitted]) -> None:
        """Put short ones back for which there was no room, before those that arrived later."""
        self._short.extendleft(reversed(works))

    def take(self, limit: int) -> tuple[list[Submitted], bool]:
        """The next group, and whether it is one long unit of work."""
        if self._long and not (self._short and self._was_long):
            self._was_long = True
            return [self._long.popleft()], True
        self._was_long = False
        return [self._short.popleft() for _ in range(min(limit, len(self._short)))], False


class ThreadWriter:
    """Runs units of work in groups on a thread of its own."""

    def __init__(
        self, open_connection: Callable[[], Connection], frame: Frame, group_limit: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._open_connection = open_connection
        self.group = GroupCommit(frame)
        self._limit = group_limit
        self._loop = loop
        self._queue: queue.SimpleQueue[tuple[Submitted, bool] | None] = queue.SimpleQueue()
        self._waiting = Waiting()
        self._is_last = False
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._stopping = False

    def start(self) -> None:
        """Begin to take units of work."""
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        self._stopping = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run one unit of work in the next group; returns its result after the commit.

        Raises the error of the work, or StoreUnavailable.
        """
        if self._stopping:
            raise StoreUnavailable("the store is closing")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((Submitted(work, future, is_alone=long), long))
        return await future

    @property
    def has_ended(self) -> bool:
        """Whether nothing processes what is submitted."""
        return not (self._stopping or self._thread.is_alive())

    def _serve(self) -> None:
        connection: Connection | None = None
        while group := self._gather():
            connection = connection or self._connect_or_fail(group)
            if connection is not None:
                self.group.guarded(self.group.whole, connection, group)
                connection = self.group.kept(connection)
            self.group.under_way = []
            _answer(self._loop, group)
        if connection is not None:
            connection.close()

    def _connect_or_fail(self, group: list[Submitted]) -> Connection | None:
        try:
            return self._open_connection()
        except (sqlalchemy.exc.OperationalError, psycopg.OperationalError, StoreUnavailable) as error:
            fail(group, StoreUnavailable(str(error)))
            return None

    def _gather(self) -> list[Submitted]:
        """The next group, after waiting for its first unit of work; empty when the thread should end."""
        while not (self._waiting or self._is_last):
            self._sort(self._queue.get())
        while not self._queue.empty():
            self._sort(self._queue.get())
        return self._waiting.take(self._limit)[0]

    def _sort(self, item: tuple[Submitted, bool] | None) -> None:
        if item is None:
            self._is_last = True
        else:
            self._waiting.put(item[0], long=item[1])


class LoopWriter:
    """Runs the statements of short units of work on the event loop, and the flush of each group on a thread.

    Long units of work run on the thread completely.
    """

    def __init__(
        self,
        open_connection: Callable[[], Connection],
        frame: Frame,
        group_limit: int,
        loop: asyncio.AbstractEventLoop,
        turns: Turns,
    ) -> None:
        self._open_connection = open_connection
        self.group = GroupCommit(frame, TOUCHED_A_TURN)
        self._limit = group_limit
        self._loop = loop
        self._turns = turns
        self._waiting = Waiting()
        self._connection: Connection | None = None
        self._is_flushing = False
        self._is_due = False
        self._jobs: queue.SimpleQueue[tuple[Step, Connection, list[Submitted]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-flusher", daemon=True)
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def start(self) -> None:
        """Begin to take units of work."""
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
        """Like `ThreadWriter.run`; a `long` unit of work does not block the event loop."""
        if self._stopping:
            raise StoreUnavailable("the store is closing")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put(Submitted(work, future, is_alone=long), long=long)
        self._idle.clear()
        if not (self._is_flushing or self._is_due):
            # At the next turn of the event loop, so that the units of work of one turn form one group.
            self._is_due = True
            self._loop.call_soon(self._turn)
        return await future

    @property
    def resting(self) -> Connection | None:
        """The writer's connection while no group is running; its cache has what it last wrote.

        Use it only on the event loop, and at once.
        """
        return None if self._is_flushing else self._connection

    @property
    def has_ended(self) -> bool:
        """See ThreadWriter."""
        return not (self._stopping or self._thread.is_alive())

    def _turn(self) -> None:
        self._is_due = False
        group, long = self._waiting.take(self._limit)
        if not group:
            self._idle.set()
            return
        self._is_flushing = True
        connection = self._connection = self._connection or self._connect_or_fail(group)
        if connection is None:
            self._after_commit(group)
        elif long:
            self._jobs.put((self.group.whole, connection, group))
        elif self._performed(connection, group):
            self._jobs.put((self.group.commit, connection, group))
        else:
            self._after_commit(group)

    def _performed(self, connection: Connection, group: list[Submitted]) -> bool:
        """Run as many units of work as fit into a turn of the event loop; the others belong to the next group."""
        begun = connection.tally.touched
        is_done = self.group.guarded(self.group.perform, connection, group)
        self._turns.count(rows=connection.tally.touched - begun)
        self._waiting.put_back(self.group.left)
        return is_done

    def _connect_or_fail(self, group: list[Submitted]) -> Connection | None:
        """The connection, or a new one when it could not be used any more."""
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
            self._loop.call_soon_threadsafe(self._after_commit, group)
        except RuntimeError:
            # The event loop has closed, so there is nobody to answer; committed work stays committed.
            return

    def _after_commit(self, group: list[Submitted]) -> None:
        self._is_flushing = False
        self.group.under_way = []
        if self._connection is not None:
            self._connection = self.group.kept(self._connection)
        resolve(group)
        # Let those just answered run first, so that what they write next belongs to the next group.
        self._is_due = True
        self._loop.call_soon(self._turn)


Writer = ThreadWriter | LoopWriter


def _answer(loop: asyncio.AbstractEventLoop, group: list[Any]) -> None:
    try:
        loop.call_soon_threadsafe(resolve, group)
    except RuntimeError:
        # The event loop has closed, so there is nobody to answer; committed work stays committed.
        return
