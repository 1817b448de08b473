"""Writes the events of all services to the log.

Events are collected in memory and written together with the followers' positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import structlog

from services.eventlog.adapters import copy_rows, key_index
from services.eventlog.adapters.packing import Packer
from services.eventlog.domain.keys import MAIL, WHO, key_of, key_of_event
from services.eventlog.domain.log_id import FOLLOWED, begin_of, next_id, origin_number
from services.eventlog.domain.names import names_of
from shared.background import BackgroundTask, woken_within
from shared.eventstore.connection import Reader
from shared.eventstore.event import decode_actor
from shared.eventstore.log_reading import LogPosition
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import SHARDS
from shared.rpc.mailfold.events.v1 import events_pb2 as pb

log = structlog.get_logger("eventlog")

_INSERT = (
    "INSERT INTO fact (id, type, lane, position, at, stream, version, correlation, cause, command, actor, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADVANCE = (
    "INSERT INTO lane (number, position, last) VALUES (?, ?, ?)"
    " ON CONFLICT (number) DO UPDATE SET position = excluded.position, last = excluded.last"
)
_INSERT_TYPE = "INSERT INTO fact_type (id, name) VALUES (?, ?)"
_PLACES = (
    "SELECT lane.number - ?, lane.position, fact.at FROM lane LEFT JOIN fact ON fact.id = lane.last"
    " AND fact.position = lane.position WHERE lane.number BETWEEN ? AND ?"
)
_GO_BACK = "UPDATE lane SET position = ? WHERE number = ?"
_IS_THERE = "SELECT 1 FROM fact WHERE id >= ? AND id < ? AND lane = ? AND position = ? AND at = ?"
_SECOND = 1_000_000
_MERGE_SECONDS = 0.05
"""Seconds to wait for more events. The events of one mail come from several services within this time, and are written
in one transaction."""
_BATCH = 5000
_AT_ONCE = 200
"""Events of a batch that are written on the event loop; a larger batch is a long unit of work, which runs beside it."""
_PATIENCE = 30.0
_IDLE_SECONDS = 30.0
_STALLED_SECONDS = 120.0
"""Seconds without a turn after which the writer is reported not to be well; it looks for events more often."""
_OURSELVES = ("service", "system")
"""Actors by which nobody searches."""
Incoming = tuple[int, pb.Event]
"""The number of an origin, and an event of that origin."""
Arrived = Callable[[Sequence[Incoming]], None]


class LogWriter:
    """Takes events from the followers and writes them. A store must have only one writer."""

    def __init__(
        self, store: EventStore, packer: Packer, waiting: int, arrived: Arrived, *, copies: bool = False
    ) -> None:
        """`copies`: what is written is also noted for OpenSearch."""
        self._store = store
        self._packer = packer
        self._limit = waiting
        self._arrived = arrived
        self._copies = copies
        self._waiting: list[Incoming] = []
        self._has_events = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._has_space = asyncio.Event()
        self._has_space.set()
        self._known: _Known | None = None
        """None after a write that failed, because it may have been committed all the same; it is then read again."""
        self._kept: dict[int, int] = {}
        """The origins that were rewound, and the position up to which their earlier events are in the log."""
        self._task = BackgroundTask("eventlog", "writer", self._turn, longest=_STALLED_SECONDS, longest_pause=_PATIENCE)

    def start(self) -> None:
        """Begin to write."""
        self._task.start()

    async def stop(self) -> None:
        """Write the waiting events and end.

        What cannot be written now is read again from the services at the next start.
        """
        await self._task.stop()
        self._known = None  # the cancelled turn may have written
        try:
            while self._waiting:
                await self._flush()
        except Exception as error:
            log.error("eventlog.write_failed", waiting=len(self._waiting), error=repr(error))

    async def take(self, service: str, events: Sequence[pb.Event]) -> None:
        """Take events of one service, in the order of each shard; waits while too many events are in memory."""
        await self._has_space.wait()
        first = FOLLOWED.index(service)
        self._waiting += [(origin_number(first, event.shard), event) for event in events]
        if self._waiting:
            self._has_events.set()
            self._is_empty.clear()
        if len(self._waiting) >= self._limit:
            self._has_space.clear()

    async def written(self) -> None:
        """Wait until every event that was taken is written."""
        await self._is_empty.wait()

    async def rewind(self, service: str, agreed: Mapping[int, LogPosition]) -> None:
        """Follow a service from these places on, after it was restored from a backup.

        Events that the service has lost stay in the log, because they happened. Events that it still has are not
        written twice.
        """
        await self._is_empty.wait()  # the waiting events belong to the log that was followed so far
        first = FOLLOWED.index(service)
        places = {origin_number(first, shard): place.position for shard, place in agreed.items()}
        reached: dict[int, int] = dict(
            await self._store.read(lambda reader: reader.all("SELECT number, position FROM lane"))
        )
        self._kept |= {number: reached[number] for number in places if number in reached}
        self._known = None
        rows = [(position, number) for number, position in places.items()]
        await self._store.write(lambda transaction: transaction.connection.execute_many(_GO_BACK, rows))

    async def _turn(self) -> None:
        """Write one batch. When this fails, the events stay in memory, and the next turn tries again."""
        if not await woken_within(self._has_events, _IDLE_SECONDS):
            return
        if len(self._waiting) < _BATCH:
            await asyncio.sleep(_MERGE_SECONDS)
        await self._flush()

    async def _flush(self) -> None:
        batch, known = self._waiting[:_BATCH], self._known
        self._known = None  # until this batch is known to be written
        written, fresh = await self._store.write(
            lambda transaction: _write(transaction, batch, known, self._packer, self._kept, self._copies),
            long=len(batch) > _AT_ONCE,
        )
        self._known = written
        del self._waiting[: len(batch)]
        if not self._waiting:
            self._has_events.clear()
            self._is_empty.set()
        if len(self._waiting) < self._limit:
            self._has_space.set()
        self._arrived(fresh)
        if key_index.is_full(written.fresh_keys):
            await self._seal(written)

    async def _seal(self, written: _Known) -> None:
        """Sort the new keys beside the event loop."""
        self._known = None  # until this is known to be written
        await self._store.write(lambda transaction: key_index.seal(transaction.connection), long=True)
        self._known = written._replace(fresh_keys=0)


class _Known(NamedTuple):
    """The writer's knowledge of its own rows.

    It has the number of each type, the last id and position of each origin, and the number of unsorted keys.
    """

    types: dict[str, int]
    last: dict[int, int]
    reached: dict[int, int]
    fresh_keys: int


def places_of(reader: Reader, service: str) -> dict[int, LogPosition]:
    """The position up to which a service is followed, by shard."""
    first = origin_number(FOLLOWED.index(service), 0)
    rows = reader.all(_PLACES, (first, first, first + SHARDS - 1))
    return {shard: LogPosition(position, at or 0) for shard, position, at in rows}


def _write(
    transaction: Transaction,
    batch: Sequence[Incoming],
    known: _Known | None,
    packer: Packer,
    kept: Mapping[int, int],
    copies: bool,
) -> tuple[_Known, list[Incoming]]:
    """Write the new events of a batch, in the writer's thread.

    `known` must change only with the commit, so a changed copy is returned.
    """
    types, last, reached, fresh_keys = known or _read_known(transaction)
    unread = [(number, event) for number, event in batch if event.position > reached.get(number, 0)]
    fresh = [incoming for incoming in unread if not _is_there(transaction, kept, *incoming)] if kept else unread
    types, last = _with_types(transaction, types, fresh), dict(last)
    rows, keys = [], []
    for number, event in fresh:
        last[number] = log_id = next_id(event.at, number, last.get(number, 0))
        rows.append(
            (
                log_id,
                types[event.type],
                number,
                event.position,
                event.at,
                event.stream,
                event.version,
                event.correlation,
                event.cause,
                event.command,
                event.actor,
                packer.pack(event.data),
            )
        )
        keys += [(key, log_id) for key in keys_of(number, event)]
    transaction.connection.execute_many(_INSERT, rows)
    key_index.add(transaction.connection, keys)
    if copies:
        copy_rows.send(transaction.connection, [row[0] for row in rows])
    # The positions of the followers are written in the same transaction as the rows.
    advanced = {number: event.position for number, event in unread}
    transaction.connection.execute_many(
        _ADVANCE, [(number, position, last.get(number, 0)) for number, position in advanced.items()]
    )
    return _Known(types, last, reached | advanced, fresh_keys + len(keys)), fresh


def _is_there(reader: Reader, kept: Mapping[int, int], number: int, event: pb.Event) -> bool:
    """Whether an event of a rewound origin is in the log already."""
    if event.position > kept.get(number, 0):
        return False
    moment = begin_of(event.at), begin_of(event.at + _SECOND)
    return reader.first_row(_IS_THERE, (*moment, number, event.position, event.at)) is not None


def _read_known(reader: Transaction) -> _Known:
    origins = reader.all("SELECT number, last, position FROM lane")
    last, reached = (
        {number: log_id for number, log_id, _ in origins},
        {number: position for number, _, position in origins},
    )
    return _Known(_known_types(reader), last, reached, key_index.fresh_count(reader))


def keys_of(origin: int, event: pb.Event) -> set[int]:
    """All keys of an event: its own id, the names in its data, its correlation, its stream, and its actor."""
    keys = names_of(event.type, event.data).index_keys()
    keys += [key_of(MAIL, text) for text in (event.correlation, event.stream) if text]
    keys += _keys_of_actor(event.actor)
    keys.append(key_of_event(origin, event.position))
    return set(keys)


@lru_cache(maxsize=1024)
def _keys_of_actor(actor: str) -> tuple[int, ...]:
    try:
        who = decode_actor(actor)
    except msgspec.MsgspecError:
        return ()
    if who.kind in _OURSELVES:
        return ()
    return tuple(key_of(WHO, text) for text in (who.id, who.session, who.address) if text)


def _with_types(transaction: Transaction, types: dict[str, int], fresh: Iterable[Incoming]) -> dict[str, int]:
    missing = sorted({event.type for _, event in fresh} - types.keys())
    if not missing:
        return types
    known = _known_types(transaction)
    number = max(known.values(), default=0)
    added = {name: number + step for step, name in enumerate((name for name in missing if name not in known), 1)}
    transaction.connection.execute_many(_INSERT_TYPE, [(number, name) for name, number in added.items()])
    return known | added


def _known_types(reader: Reader) -> dict[str, int]:
    return {name: number for number, name in reader.all("SELECT id, name FROM fact_type")}
