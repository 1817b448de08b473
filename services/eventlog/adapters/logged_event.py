"""Reads the log: events by id, by key, and by time. A long question is asked as many short ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from services.eventlog.adapters.key_index import Span, ids_by_keys
from services.eventlog.adapters.packing import unpack
from services.eventlog.domain.keys import key_of_event
from services.eventlog.domain.log_id import FOLLOWED, origin_number, service_and_shard
from shared.eventstore.connection import Reader, Row
from shared.ids import SHARDS

_COLUMNS = (
    "f.id, t.name, f.lane, f.position, f.at, f.stream, f.version, f.correlation, f.cause, f.command, f.actor, f.data"
)
_SELECT = f"SELECT {_COLUMNS} FROM fact f JOIN fact_type t ON t.id = f.type"  # noqa: S608
_PAGE = 500


class LoggedEvent(NamedTuple):
    """An event of the log."""

    id: int
    type: str
    origin: int
    position: int
    at: int
    stream: str
    version: int
    correlation: str
    cause: str
    command: str
    actor: str
    data: bytes

    @property
    def service(self) -> str:
        """The service that wrote the event."""
        return service_and_shard(self.origin)[0]

    @property
    def event_id(self) -> str:
        """The id `<service>.<shard>.<position>`, by which causes refer to the event."""
        service, shard = service_and_shard(self.origin)
        return f"{service}.{shard}.{self.position}"


class Filter(NamedTuple):
    """The events to select from a span. An empty field selects all."""

    type: str = ""
    """A stored name, or an area, which selects all names that begin with it and a dot. The dot may be left out."""
    service: str = ""

    def passes(self, event_type: str, service: str) -> bool:
        """Whether an event of this type and service passes."""
        area = self.type if self.type.endswith(".") else f"{self.type}."
        named = self.type in ("", event_type) or event_type.startswith(area)
        return named and self.service in ("", service)


def by_ids(reader: Reader, ids: Iterable[int], names: Collection[str] = ()) -> list[LoggedEvent]:
    """The events with these ids, oldest first; ids without an event are skipped.

    With `names`, only the events that have one of these stored names.
    """
    events: list[LoggedEvent] = []
    waiting = iter(ids)
    of_type = f" AND t.name IN ({', '.join('?' * len(names))})" if names else ""
    while chunk := list(islice(waiting, _PAGE)):
        sql = f"{_SELECT} WHERE f.id IN ({', '.join('?' * len(chunk))}){of_type}"
        events += map(_event_of, reader.all(sql, (*chunk, *names)))
    return sorted(events)


def after_id(reader: Reader, after: int, limit: int) -> list[LoggedEvent]:
    """The events after a log id, oldest first."""
    return [_event_of(row) for row in reader.all(f"{_SELECT} WHERE f.id > ? ORDER BY f.id LIMIT ?", (after, limit))]


def id_of(reader: Reader, event_id: str) -> int | None:
    """The log id of the event `<service>.<shard>.<position>`; None when the log has no such event."""
    service, _, rest = event_id.partition(".")
    shard, _, position = rest.partition(".")
    if (
        service not in FOLLOWED
        or not (shard.isdecimal() and position.isdecimal())
        or int(shard) >= SHARDS
        or len(position) > 18
    ):
        return None
    place = (origin_number(FOLLOWED.index(service), int(shard)), int(position))
    events = by_ids(reader, ids_by_keys(reader, [key_of_event(*place)]))
    return next((event.id for event in events if (event.origin, event.position) == place), None)


def oldest_id(reader: Reader) -> int:
    """The first log id; 0 in an empty log."""
    row = reader.first_row("SELECT min(id) FROM fact")
    return int(row[0] or 0) if row else 0


def newest(reader: Reader, event_filter: Filter, span: Span) -> Iterator[LoggedEvent]:
    """The selected events of a span, newest first."""
    return in_order(reader, event_filter, span, newest_first=True)


def in_order(reader: Reader, event_filter: Filter, span: Span, *, newest_first: bool) -> Iterator[LoggedEvent]:
    """The selected events of a span, newest or oldest first."""
    where, parameters = "f.id >= ? AND f.id < ?", [*span]
    if event_filter.service:
        number = FOLLOWED.index(event_filter.service)
        where, parameters = (
            f"{where} AND f.lane BETWEEN ? AND ?",
            [*parameters, origin_number(number, 0), origin_number(number, SHARDS - 1)],
        )
    if not event_filter.type:
        return _pages(reader, where, parameters, newest_first)
    # Each type is read along its own index, so that a rare type is found without reading the others.
    types = _types(reader, event_filter.type)
    return merge(
        *(_pages(reader, f"{where} AND f.type = ?", [*parameters, number], newest_first) for number in types),
        reverse=newest_first,
    )


def type_names(reader: Reader) -> list[str]:
    """The stored names of all types of events in the log."""
    return [name for (name,) in reader.all("SELECT name FROM fact_type ORDER BY name")]


def _pages(reader: Reader, where: str, parameters: list[int], newest_first: bool) -> Iterator[LoggedEvent]:
    sql = f"{_SELECT} WHERE {where} ORDER BY f.id {'DESC' if newest_first else 'ASC'} LIMIT {_PAGE}"
    while True:
        rows = reader.all(sql, parameters)
        yield from map(_event_of, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]
        ends = [parameters[0], last] if newest_first else [last + 1, parameters[1]]
        parameters = [*ends, *parameters[2:]]


def _types(reader: Reader, name: str) -> list[int]:
    if not name:
        return []
    rows: Sequence[Row] = reader.all("SELECT id, name FROM fact_type ORDER BY id")
    return [row[0] for row in rows if Filter(name).passes(row[1], "")]


def _event_of(row: tuple[Any, ...]) -> LoggedEvent:
    *plain, data = row
    return LoggedEvent._make((*plain, unpack(data)))
