"""The way into the log: facts of all services gather in memory and go in together, with the positions they bring (DESIGN §4, followers)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import structlog

from services.eventlog.adapters.packing import Packer
from services.eventlog.domain.keys import Kind, key_of
from services.eventlog.domain.log_id import FOLLOWED, day_of, lane, lane_origin, next_id
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader
from shared.eventstore.event import decode_actor
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.rpc.mailfold.events.v1 import events_pb2 as pb

log = structlog.get_logger("eventlog")

_INSERT = (
    "INSERT INTO fact (id, type, lane, position, at, stream, version, correlation, cause, command, actor, data)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_KEY = "INSERT INTO fact_key (day, key, id) VALUES (?, ?, ?)"
_INSERT_TYPE = "INSERT INTO fact_type (id, name) VALUES (?, ?)"
_MERGE_SECONDS = 0.05
"""Facts of one mail come from several services at about the same time: one transaction takes them all."""
_BATCH = 5000
_PATIENCE = 30.0
_OURSELVES = ("service", "system")
"""Actors that nobody looks for."""
Came = tuple[int, pb.Event]
"""A lane and a fact of it."""
Arrived = Callable[[Sequence[Came]], None]


def cursor_name(service: str) -> str:
    """The name under which the position of a service's follower is kept."""
    return f"log-{service}"


class Intake:
    """Takes facts from the followers and writes them. Only one runs on a store."""

    def __init__(self, store: EventStore, packer: Packer, waiting: int, arrived: Arrived) -> None:
        self._store = store
        self._packer = packer
        self._limit = waiting
        self._arrived = arrived
        self._waiting: list[Came] = []
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._stopping = asyncio.Event()
        self._known: _Known | None = None
        """Read again after every failed write, for it may have been committed all the same."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write from now on."""
        self._task = asyncio.create_task(self._serve(), name="eventlog-intake")

    async def stop(self) -> None:
        """Write what waits, then end."""
        self._stopping.set()
        self._some.set()
        if self._task is not None:
            await self._task

    async def take(self, service: str, events: Sequence[pb.Event]) -> None:
        """Facts of one service in the order of each shard. Waits while too many are on their way."""
        await self._room.wait()
        first = FOLLOWED.index(service)
        self._waiting += [(lane(first, event.shard), event) for event in events]
        self._some.set()
        if len(self._waiting) >= self._limit:
            self._room.clear()

    async def _serve(self) -> None:
        pause = 0.1
        while self._waiting or not self._stopping.is_set():
            await self._some.wait()
            if len(self._waiting) < _BATCH:
                await self._rest(_MERGE_SECONDS)
            try:
                await self._flush()
                pause = 0.1
            except Exception as error:
                # Nothing is lost: the facts stay in memory, and in their services. The same again, later.
                log.error("eventlog.write_failed", waiting=len(self._waiting), error=repr(error))
                self._known = None
                if self._stopping.is_set():
                    return
                await self._rest(pause)
                pause = min(pause * 2, _PATIENCE)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _flush(self) -> None:
        batch = self._waiting[:_BATCH]
        self._known, fresh = await self._store.write(lambda transaction: _write(transaction, batch, self._known, self._packer))
        del self._waiting[: len(batch)]
        if not self._waiting:
            self._some.clear()
        if len(self._waiting) < self._limit:
            self._room.set()
        self._arrived(fresh)


class _Known(NamedTuple):
    """What the writer knows of its own rows: the numbers of the types and the last id of each lane."""

    types: dict[str, int]
    last: dict[int, int]


def _write(transaction: Transaction, batch: Sequence[Came], known: _Known | None, packer: Packer) -> tuple[_Known, list[Came]]:
    """Write what is new; in the writer's thread. What is known changes only with the commit, so the answer is a copy."""
    types, last = known or _Known(_known_types(transaction), _last_ids(transaction))
    reached = _positions(transaction)
    fresh = [(number, event) for number, event in batch if event.position > reached.get(number, 0)]
    types, last = _with_types(transaction, types, fresh), dict(last)
    rows, keys = [], []
    for number, event in fresh:
        last[number] = log_id = next_id(event.at, number, last.get(number, 0))
        rows.append((log_id, types[event.type], number, event.position, event.at, event.stream, event.version, event.correlation, event.cause,
                     event.command, event.actor, packer.pack(event.data)))  # fmt: skip
        day = day_of(log_id)
        keys += [(day, key, log_id) for key in keys_of(event)]
    transaction.connection.execute_many(_INSERT, rows)
    transaction.connection.execute_many(_INSERT_KEY, keys)
    _advance(transaction, fresh)
    return _Known(types, last), fresh


def keys_of(event: pb.Event) -> set[int]:
    """Everything a fact is found by: what its data names, the work it belongs to, its stream, and who caused it."""
    keys = names_of(event.type, event.data).keys()
    for correlated in {event.correlation, event.stream}:
        if correlated:
            keys.add(key_of(Kind.MAIL, correlated))
    return keys | _keys_of_actor(event.actor)


@lru_cache(maxsize=1024)
def _keys_of_actor(actor: str) -> frozenset[int]:
    try:
        who = decode_actor(actor)
    except msgspec.MsgspecError:
        return frozenset()
    if who.kind in _OURSELVES:
        return frozenset()
    return frozenset(key_of(Kind.WHO, text) for text in (who.id, who.session, who.address) if text)


def _advance(transaction: Transaction, fresh: Iterable[Came]) -> None:
    """The followers' positions, in the transaction of the rows."""
    reached = {number: event.position for number, event in fresh}
    for number, position in reached.items():
        service, shard = lane_origin(number)
        transaction.set_cursor(cursor_name(service), {shard: position})


def _positions(reader: Reader) -> dict[int, int]:
    found = {}
    for service, shard, position in reader.all("SELECT name, shard, position FROM cursor"):
        service = service.removeprefix(cursor_name(""))
        if service in FOLLOWED:
            found[lane(FOLLOWED.index(service), shard)] = position
    return found


def _with_types(transaction: Transaction, types: dict[str, int], fresh: Iterable[Came]) -> dict[str, int]:
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


def _last_ids(reader: Reader) -> dict[int, int]:
    """The last id of each lane: the one at its cursor. Where that fact was pruned, every new one is later anyway."""
    sql = "SELECT id FROM fact WHERE lane = ? AND position = ?"
    rows = ((number, reader.one(sql, (number, position))) for number, position in _positions(reader).items())
    return {number: row[0] for number, row in rows if row}
