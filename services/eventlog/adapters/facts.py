"""Reading the log: facts by id, by key, by time. Every question is short; long ones are many short ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from services.eventlog.adapters.key_index import Span, found_by
from services.eventlog.adapters.packing import unpack
from services.eventlog.domain.keys import key_of_fact
from services.eventlog.domain.log_id import FOLLOWED, lane, lane_origin
from shared.eventstore.connection import Reader, Row
from shared.shards import SHARDS

_COLUMNS = (
    "f.id, t.name, f.lane, f.position, f.at, f.stream, f.version, f.correlation, f.cause, f.command, f.actor, f.data"
)
_SELECT = f"SELECT {_COLUMNS} FROM fact f JOIN fact_type t ON t.id = f.type"  # noqa: S608
_PAGE = 500


class Stored(NamedTuple):
    """A fact of the log."""

    id: int
    type: str
    lane: int
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
        """The service that wrote it."""
        return lane_origin(self.lane)[0]

    @property
    def fact_id(self) -> str:
        """`<service>.<shard>.<position>`, as causes name it."""
        service, shard = lane_origin(self.lane)
        return f"{service}.{shard}.{self.position}"


class Filter(NamedTuple):
    """Which facts of a span are wanted. Empty fields want all."""

    type: str = ""
    """A stored name, or an area: its names begin with it and a dot. The dot may be left out."""
    service: str = ""

    def wants(self, fact_type: str, service: str) -> bool:
        """Whether a fact of this type and service passes."""
        area = self.type if self.type.endswith(".") else f"{self.type}."
        named = self.type in ("", fact_type) or fact_type.startswith(area)
        return named and self.service in ("", service)


def by_ids(reader: Reader, ids: Iterable[int]) -> list[Stored]:
    """These facts, oldest first; ids whose facts are gone are passed over."""
    found: list[Stored] = []
    waiting = iter(ids)
    while chunk := list(islice(waiting, _PAGE)):
        found += map(_stored, reader.all(f"{_SELECT} WHERE f.id IN ({', '.join('?' * len(chunk))})", chunk))
    return sorted(found)


def id_of(reader: Reader, fact_id: str) -> int | None:
    """The log id of `<service>.<shard>.<position>`; None when the log has no such fact."""
    service, _, rest = fact_id.partition(".")
    shard, _, position = rest.partition(".")
    if (
        service not in FOLLOWED
        or not (shard.isdecimal() and position.isdecimal())
        or int(shard) >= SHARDS
        or len(position) > 18
    ):
        return None
    place = (lane(FOLLOWED.index(service), int(shard)), int(position))
    found = by_ids(reader, found_by(reader, [key_of_fact(*place)]))
    return next((fact.id for fact in found if (fact.lane, fact.position) == place), None)


def newest(reader: Reader, wanted: Filter, span: Span) -> Iterator[Stored]:
    """The facts of a span that pass, newest first."""
    where, parameters = "f.id >= ? AND f.id < ?", [*span]
    if wanted.service:
        number = FOLLOWED.index(wanted.service)
        where, parameters = (
            f"{where} AND f.lane BETWEEN ? AND ?",
            [*parameters, lane(number, 0), lane(number, SHARDS - 1)],
        )
    if not wanted.type:
        return _descending(reader, where, parameters)
    # Each type is walked along its own index: a rare one is found without looking at the others.
    types = _types(reader, wanted.type)
    return merge(
        *(_descending(reader, f"{where} AND f.type = ?", [*parameters, number]) for number in types), reverse=True
    )


def _descending(reader: Reader, where: str, parameters: list[int]) -> Iterator[Stored]:
    sql = f"{_SELECT} WHERE {where} ORDER BY f.id DESC LIMIT {_PAGE}"
    while True:
        rows = reader.all(sql, parameters)
        yield from map(_stored, rows)
        if len(rows) < _PAGE:
            return
        parameters = [parameters[0], rows[-1][0], *parameters[2:]]


def _types(reader: Reader, wanted: str) -> list[int]:
    if not wanted:
        return []
    rows: Sequence[Row] = reader.all("SELECT id, name FROM fact_type ORDER BY id")
    return [row[0] for row in rows if Filter(wanted).wants(row[1], "")]


def _stored(row: tuple[Any, ...]) -> Stored:
    *plain, data = row
    return Stored._make((*plain, unpack(data)))
