"""The event store of one owning service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy
import structlog

from shared.background import BackgroundTask, every, moment
from shared.clock import Clock
from shared.eventstore.comparison import VerifyResult
from shared.eventstore.connection import Connection, Reader, StoreUnavailable, Tallies
from shared.eventstore.event import Recorded
from shared.eventstore.file_lock import FileLock
from shared.eventstore.fold import (
    LogCompacted,
    Progress,
    no_progress,
    refold_outdated,
    tables_of_another_version,
    verify,
)
from shared.eventstore.frame import StoreFrame
from shared.eventstore.group import named
from shared.eventstore.lease import FencedOut, Lease
from shared.eventstore.log_reading import LogPosition, LogReader, Page
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.repair import Repair
from shared.eventstore.schema import make_anew, store_tables
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.transaction import (
    COLUMNS,
    Heads,
    Projection,
    Transaction,
    recorded_from,
)
from shared.eventstore.writer import LoopWriter, ThreadWriter, Writer
from shared.ids import SHARDS
from shared.turns import Turns

T = TypeVar("T")
log = structlog.get_logger("eventstore")
CommitListener = Callable[[list[Recorded]], None]
Work = Callable[[Transaction], T]
_RENEWALS_MISSED = 5
_PATIENCE = 60.0


class NotReadable(Exception):
    """The store must be opened for writing once before it can be read."""


class Backend(Protocol):
    """The database of a store."""

    dialect: str
    group_limit: int
    reads_inline: bool
    engine: sqlalchemy.Engine
    tallies: Tallies
    lock: FileLock | None
    """The lock of the installation; None when no other process can use the database."""
    folder: Path | None
    """The folder for scratch tables beside the database; None: the system's temporary folder."""

    def create(self, metadata: sqlalchemy.MetaData) -> None:
        """Take the lock and create missing tables. Raises FileInUse."""

    def exists(self) -> bool:
        """Whether there is a database to connect to."""

    def connect(self) -> Connection:
        """A new connection; one thread uses it at a time."""

    def close(self) -> None:
        """Close the database."""


def backend_for(url: str, service: str, data: Path, *, durable: bool = True) -> Backend:
    """The backend for a service's `store` setting: empty for the embedded file, or a postgresql:// address.

    `durable=False` is for copies in the embedded file: a power failure may lose their last commits, but never damages
    the rest, and the process reads its positions again afterwards. A database server may fail alone, so there every
    commit is kept.
    """
    if url:
        return PostgresBackend(url, f"mailfold_{service}", FileLock(data / "store" / f"{service}.lock"))
    return SqliteBackend(data / "store" / f"{service}.sqlite", durable=durable)


class EventStore:
    """Appends events at expected versions, applies them to projections, and lets others follow.

    One process writes a store at a time: SQLite has a file lock, PostgreSQL a lease whose fencing number each commit
    checks.
    """

    def __init__(
        self,
        backend: Backend,
        metadata: sqlalchemy.MetaData,
        projections: Sequence[Projection],
        clock: Clock,
        holder: str = "",
        service: str = "",
        turns: Turns | None = None,
        fenced_out: Callable[[str], None] | None = None,
    ) -> None:
        """`holder` describes this installation's service to people.

        `fenced_out` is called once on the event loop, with a sentence, when another process has taken the store over;
        then this process must end.
        """
        self.backend = backend
        self.metadata = metadata
        self.projections = tuple(projections)
        self._applied = self.projections
        self._repairing = asyncio.Lock()
        self._clock = clock
        self._turns = turns or Turns()
        self._heads = Heads()
        self._lease = Lease(backend.dialect, holder, clock, backend.lock)
        self._frame = StoreFrame(self._heads, self._lease)
        self._frame.fenced_out = self._note_fenced_out
        self._when_fenced_out = fenced_out
        self._lost = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: Writer | None = None
        self._reader: Connection | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._idle_readers: list[Connection] = []
        self.service = service
        self._renewal = BackgroundTask(
            service,
            "lease",
            every(self._lease.renew_seconds, self._renew_lease),
            longest=_RENEWALS_MISSED * self._lease.renew_seconds,
            not_now=(StoreUnavailable,),
            longest_pause=self._lease.renew_seconds,
        )

    async def open(self, progress: Progress = no_progress) -> None:
        """Create tables, take the lease, read the heads, and start the writer.

        Raises FileInUse or LeaseHeld while another process writes. `progress` is called on another thread with the
        number of applied events when tables of another release are computed again.
        """
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._prepare, progress)
        except BaseException:
            self.backend.close()
            raise
        connect, limit = self.backend.connect, self.backend.group_limit
        if self.backend.reads_inline:
            self._writer = LoopWriter(connect, self._frame, limit, self._loop, self._turns)
        else:
            self._writer = ThreadWriter(connect, self._frame, limit, self._loop)
            self._renewal.start()
        self._writer.start()
        self._read_from_now()

    async def open_to_read(self) -> None:
        """Open for reading beside a writer: without lock and lease, creating nothing, and refusing every write.

        Raises NotReadable for a store that this release has not opened for writing yet.
        """
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._check_readable)
        except BaseException:
            self.backend.close()
            raise
        self._read_from_now()

    def _read_from_now(self) -> None:
        if self.backend.reads_inline:
            self._reader = self.backend.connect()
        else:
            self._pool = ThreadPoolExecutor(8, thread_name_prefix="store-reader")

    async def close(self) -> None:
        """Finish the submitted units of work and close the database."""
        await self._renewal.stop()
        if self._writer is not None:
            with contextlib.suppress(Exception):
                await self.flush_cursors()
            await self._writer.stop()
            with contextlib.suppress(StoreUnavailable):
                await asyncio.to_thread(self._lease.give_back, self.backend.connect)
        if self._pool is not None:
            self._pool.shutdown()
        for reader in [*self._idle_readers, *([self._reader] if self._reader else [])]:
            reader.close()
        self.backend.close()

    def on_commit(self, listener: CommitListener) -> None:
        """Call `listener` on the event loop with the events of each group, after its commit and in order.

        It must not block.
        """
        self._frame.listeners.append(lambda appended: self._notify(listener, appended))

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        """Run a unit of work; returns its result when it is durable.

        Raises the error of the work, VersionConflict, or StoreUnavailable. `long`: the work takes more than some
        milliseconds, so it becomes a group of its own, runs beside the event loop, and lets waiting short works go
        first.
        """
        if self._writer is None:
            raise StoreUnavailable("the store is open to read alone")
        return await self._writer.run(lambda connection: self._in_transaction(connection, work), long=long)

    async def read(self, query: Callable[[Reader], T]) -> T:
        """Answer a short question from committed rows. `query` must not keep the reader."""
        if self._reader is not None:
            # A separate reader loses its cached pages at each commit of another connection; the writer's own connection
            # keeps them.
            resting = self._writer.resting if isinstance(self._writer, LoopWriter) else None
            return query(resting or self._reader)
        assert self._loop is not None
        return await self._loop.run_in_executor(self._pool, self._read_apart, query)

    async def read_long(self, query: Callable[[Reader], T]) -> T:
        """Like `read`, for a question that takes long: beside the event loop on every backend, with a connection of its
        own."""
        return await asyncio.to_thread(self._read_apart, query)

    async def read_snapshot(self, query: Callable[[Connection], T]) -> T:
        """Like `read_long`, for several questions about one state of the database. Raises StoreUnavailable."""
        return await asyncio.to_thread(self._beside, query)

    async def read_events(self, shard: int, after: int, limit: int = 500) -> list[Recorded]:
        """At most `limit` events of a shard after a position, in order."""
        rows = await self.read(lambda reader: self._log(reader).rows(shard, after, limit))
        return [recorded_from(row) for row in rows]

    async def read_page(self, shard: int, after: int, head: int, areas: Sequence[str] = ()) -> Page:
        """The next events of a shard after a position, as stored rows in the order of COLUMNS.

        It is for readers that pass events on without decoding them. With `areas`, only those whose types begin with one
        of them.
        """
        return await self.read(lambda reader: self._log(reader).page(shard, after, head, areas))

    async def agreed(self, followed: Mapping[int, LogPosition]) -> dict[int, LogPosition]:
        """The place in each shard up to which the log is the one that was followed to these places."""
        return await self.read(lambda reader: self._log(reader).agreed(followed))

    async def places(self) -> dict[int, LogPosition]:
        """The place of the last event of each shard that has events."""
        return await self.read(lambda reader: self._log(reader).places())

    async def read_stream(self, stream: str, after: int = 0, limit: int = 10_000) -> list[Recorded]:
        """The events of a stream after a version, in order."""
        sql = f"SELECT {COLUMNS} FROM event WHERE stream = ? AND version > ? ORDER BY version LIMIT ?"  # noqa: S608
        return [recorded_from(row) for row in await self.read(lambda reader: reader.all(sql, (stream, after, limit)))]

    @property
    def shows_commits_late(self) -> bool:
        """Whether followers see an event only some time after its commit: when no older transaction runs any more."""
        return self.backend.dialect == "postgresql"

    async def heads(self) -> dict[int, int]:
        """The last committed position of each shard that has events."""
        return await self.read(lambda reader: self._log(reader).heads())

    async def cursor(self, name: str) -> dict[int, int]:
        """The position of a named follower in each shard."""
        rows = await self.read(lambda reader: reader.all("SELECT shard, position FROM cursor WHERE name = ?", (name,)))
        return dict.fromkeys(range(SHARDS), 0) | dict(rows)

    async def followed(self, name: str) -> dict[int, LogPosition]:
        """Like `cursor`, with the times of the events; 0 where an older release did not store them."""
        positions, times = await self.cursor(name), await self.cursor(_times_of(name))
        return {shard: LogPosition(position, times[shard]) for shard, position in positions.items()}

    async def follow_from(self, name: str, places: Mapping[int, LogPosition]) -> None:
        """Set a named follower to these places."""
        for shard in places:
            self._frame.noted_cursors.pop((name, shard), None)
            self._frame.noted_cursors.pop((_times_of(name), shard), None)

        def work(transaction: Transaction) -> None:
            transaction.set_cursor(name, {shard: place.position for shard, place in places.items()})
            transaction.set_cursor(_times_of(name), {shard: place.at for shard, place in places.items()})

        await self.write(work)

    def note_cursor(self, name: str, shard: int, position: int, at: int = 0) -> None:
        """Note a cursor that is written with the next group, without a commit of its own; `at` is the time of its
        event."""
        noted_cursors = self._frame.noted_cursors
        if position >= noted_cursors.get((name, shard), 0):
            noted_cursors[name, shard] = position
            if at:
                noted_cursors[_times_of(name), shard] = at

    async def flush_cursors(self) -> None:
        """Write the noted cursors now (at a stop)."""
        if self._frame.noted_cursors:
            await self.write(lambda _transaction: None)

    async def verify(self, progress: Progress = no_progress) -> VerifyResult:
        """Apply the log to scratch tables and compare every row, with one state of the database, beside the writer."""
        return await asyncio.to_thread(self._verify_apart, progress)

    async def mend(self, progress: Progress = no_progress) -> VerifyResult:
        """Like `verify`; rows that differ are replaced, page by page between other units of work."""
        return (await self._repaired(progress))[0]

    async def rebuild(self, progress: Progress = no_progress) -> int:
        """Correct every row as `mend` does; returns the number of events."""
        return (await self._repaired(progress))[1]

    async def _repaired(self, progress: Progress) -> tuple[VerifyResult, int]:
        """The result and the number of events. Only one repair runs at a time."""
        async with self._repairing:
            while True:
                repair = await asyncio.to_thread(Repair, self.projections, self.backend.folder, progress)
                with contextlib.suppress(LogCompacted):
                    return await self._carried_out(repair), repair.events

    async def _carried_out(self, repair: Repair) -> VerifyResult:
        try:
            await asyncio.to_thread(self._beside, repair.fold)
            await self.write(lambda _transaction: self._apply_with(repair.projections))
            verdict = await asyncio.to_thread(self._beside, repair.compare)
            while not await self.write(repair.page, long=True):
                await asyncio.to_thread(self._beside, repair.catch_up)
            return verdict
        finally:
            self._apply_with(self.projections)
            await asyncio.to_thread(repair.close)

    def _apply_with(self, projections: Sequence[Projection]) -> None:
        self._applied = tuple(projections)

    @property
    def figures(self) -> Mapping[str, int]:
        """Numbers since the start: groups, units of work, statements, rows returned, rows changed."""
        group = self._writer.group if self._writer else None
        tally = self.backend.tallies.sum()
        return {
            "groups": group.groups if group else 0,
            "works": group.works if group else 0,
            "statements": tally.statements,
            "rows_read": tally.read,
            "rows_written": tally.written,
        }

    def trouble(self) -> str:
        """Why nothing is written; empty when all is well, and for the first moments of a long unit of work."""
        if self._lost or self._writer is None:
            return self._lost
        if self._writer.has_ended:
            return "the writer of the event store has ended"
        if (seconds := self._writer.group.longest_wait) > _PATIENCE:
            return f"the writer of the event store has been at one group of works since {moment(seconds)}"
        return ""

    def _log(self, reader: Reader) -> LogReader:
        return LogReader(reader, self.backend.dialect)

    def _check_readable(self) -> None:
        if not self.backend.exists():
            raise NotReadable("there is no database yet")
        connection = self.backend.connect()
        try:
            known: dict[str, int] = dict(connection.all("SELECT name, version FROM projection"))
        except (StoreUnavailable, sqlalchemy.exc.DBAPIError):
            raise
        except Exception as error:  # errors of the drivers about tables that do not exist
            raise NotReadable(str(error)) from error
        finally:
            connection.close()
        if any(known.get(projection.name) != projection.version for projection in self.projections):
            raise NotReadable("its tables are of another release")

    def _note_fenced_out(self, error: FencedOut) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._fenced_out, str(error))

    def _fenced_out(self, reason: str) -> None:
        if self._lost:
            return
        self._lost = reason
        log.error("store.fenced_out", service=self.service, error=reason)
        if self._when_fenced_out is not None:
            self._when_fenced_out(reason)

    def _prepare(self, progress: Progress) -> None:
        if "event" not in self.metadata.tables:
            store_tables(self.metadata)
        self.backend.create(self.metadata)
        self._lease.take(self.backend.connect)
        connection = self.backend.connect()
        self._heads.load(connection)
        make_anew(self.backend.engine, tables_of_another_version(connection, self.projections))
        refold_outdated(connection, self.projections, self.backend.folder, progress)
        connection.close()

    def _in_transaction(self, connection: Connection, work: Work[T]) -> T:
        transaction = Transaction(connection, self._heads, self._applied, self._clock)
        result = work(transaction)
        self._frame.appended += transaction.appended
        return result

    def _read_apart(self, query: Callable[[Reader], T]) -> T:
        try:
            reader = self._idle_readers.pop()
        except IndexError:
            reader = self.backend.connect()
        try:
            return query(reader)
        finally:
            self._idle_readers.append(reader)

    def _verify_apart(self, progress: Progress) -> VerifyResult:
        return self._beside(lambda reader: verify(reader, self.projections, self.backend.folder, progress))

    def _beside(self, step: Callable[[Connection], T]) -> T:
        """Run a step with one state of the database, beside the writer."""
        with self._snapshot_of_database() as reader:
            return step(reader)

    @contextlib.contextmanager
    def _snapshot_of_database(self) -> Iterator[Connection]:
        """A connection that sees one state of the database.

        Raises StoreUnavailable, also when the disk has no room for scratch tables.
        """
        connection = self.backend.connect()
        try:
            connection.begin_reading()
            yield connection
        except Exception as error:
            raise named(error) from error
        finally:
            connection.rollback()
            connection.close()

    def _notify(self, listener: CommitListener, appended: list[Recorded]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the event loop has closed; followers read the log at the next start
            self._loop.call_soon_threadsafe(listener, list(appended))

    async def _renew_lease(self) -> None:
        """Renew the lease.

        When the database cannot be reached, the next try renews it, or the next commit notices a take-over.
        """
        try:
            await asyncio.to_thread(self._lease.renew, self.backend.connect)
        except FencedOut as error:
            self._fenced_out(str(error))


def _times_of(name: str) -> str:
    """The name of the cursor that stores the times for another cursor's events."""
    return f"{name} at"


@contextlib.asynccontextmanager
async def opened(store: EventStore) -> AsyncIterator[EventStore]:
    """A store that is open for the length of a block."""
    await store.open()
    try:
        yield store
    finally:
        await store.close()
