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
from shared.turns import ROW, SHARE, Turns

T = TypeVar("T")
TOUCHED_A_TURN = 2 * SHARE // ROW
"""Statements and rows of the works that one turn of the loop carries out."""


class Waiting:
    """Works that wait for their group. A long one is a group of its own, and long ones do not follow each other while
    short ones wait: however many there are, a short one waits for one of them at most.
    """

    def __init__(self) -> None:
        self._short: deque[Submitted] = deque()
        self._long: deque[Submitted] = deque()
        self._was_long = False

    def __bool__(self) -> bool:
        return bool(self._short or self._long)

    def put(self, work: Submitted, *, long: bool) -> None:
        """At the end."""
        (self._long if long else self._short).append(work)

    def put_back(self, works: list[Submitted]) -> None:
        """Short ones that had no room, in front of those that came later."""
        self._short.extendleft(reversed(works))

    def take(self, limit: int) -> tuple[list[Submitted], bool]:
        """The next group, and whether it is one long work."""
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
        self._queue.put((Submitted(work, future, is_alone=long), long))
        return await future

    @property
    def has_ended(self) -> bool:
        """Whether nobody works off what is submitted."""
        return not (self._stopping or self._thread.is_alive())

    def _serve(self) -> None:
        connection: Connection | None = None
        while group := self._gather():
            connection = connection or self._connected(group)
            if connection is not None:
                self.group.guarded(self.group.whole, connection, group)
                connection = self.group.kept(connection)
            self.group.under_way = []
            _answer(self._loop, group)
        if connection is not None:
            connection.close()

    def _connected(self, group: list[Submitted]) -> Connection | None:
        try:
            return self._open_connection()
        except (sqlalchemy.exc.OperationalError, psycopg.OperationalError, StoreUnavailable) as error:
            fail(group, StoreUnavailable(str(error)))
            return None

    def _gather(self) -> list[Submitted]:
        """The next group, waiting for its first work; empty when the thread should end."""
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
    """Runs the statements of short works on the loop, and each group's flush on a thread. Long works run on the thread
    whole.
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
        self._waiting.put(Submitted(work, future, is_alone=long), long=long)
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
        group, long = self._waiting.take(self._limit)
        if not group:
            self._idle.set()
            return
        self._is_flushing = True
        connection = self._connection = self._connection or self._connected(group)
        if connection is None:
            self._answered(group)
        elif long:
            self._jobs.put((self.group.whole, connection, group))
        elif self._performed(connection, group):
            self._jobs.put((self.group.commit, connection, group))
        else:
            self._answered(group)

    def _performed(self, connection: Connection, group: list[Submitted]) -> bool:
        """As many of the works as a turn of the loop has room for; the others belong to the next group."""
        begun = connection.tally.touched
        is_done = self.group.guarded(self.group.perform, connection, group)
        self._turns.count(rows=connection.tally.touched - begun)
        self._waiting.put_back(self.group.left)
        return is_done

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
        # The loop has closed: nobody is left to be answered, what was committed stays committed.
        return
