"""The index of keys by which events are found.

New keys are appended unsorted; when there are many, they are sorted into a segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from services.eventlog.domain.log_id import LAST
from shared.eventstore.connection import Connection, Reader

_SEGMENT = 65_536
"""Keys of a segment. As many unsorted keys are searched one by one before they are sorted."""
_PAGE = 500
_SEAL = (
    "INSERT INTO fact_key (segment, key, id) SELECT DISTINCT CAST(? AS INTEGER), key, id FROM fact_fresh ORDER BY "
    "key, id"
)
Key = tuple[int, int]
"""A key, and the log id of an event with this key."""


class Span(NamedTuple):
    """Log ids from `first` up to, and without, `end`."""

    first: int = 0
    end: int = LAST


EVER = Span()


def add(connection: Connection, keys: Sequence[Key]) -> None:
    """Append keys."""
    connection.execute_many("INSERT INTO fact_fresh (key, id) VALUES (?, ?)", keys)


def fresh_count(reader: Reader) -> int:
    """The number of keys that are not in a segment yet."""
    row = reader.first_row("SELECT count(*) FROM fact_fresh")
    return row[0] if row else 0


def is_full(fresh: int) -> bool:
    """Whether there are enough unsorted keys for a segment."""
    return fresh >= _SEGMENT


def seal(connection: Connection) -> None:
    """Sort the new keys into a segment. This takes some 0.1 s, so it must be a long unit of work."""
    row = connection.first_row("SELECT max(number) FROM segment")
    number = (row[0] or 0) + 1 if row else 1
    connection.execute(
        "INSERT INTO segment (number, first, last) SELECT CAST(? AS INTEGER), min(id), max(id) FROM fact_fresh",
        (number,),
    )
    connection.execute(_SEAL, (number,))
    connection.execute("DELETE FROM fact_fresh")


def drop_before(connection: Connection, first_kept: int) -> bool:
    """Delete one segment whose events are all older; False when there is none."""
    row = connection.first_row("SELECT number FROM segment WHERE last < ? ORDER BY number LIMIT 1", (first_kept,))
    if row is None:
        return False
    connection.execute("DELETE FROM fact_key WHERE segment = ?", row)
    connection.execute("DELETE FROM segment WHERE number = ?", row)
    return True


def ids_by_keys(reader: Reader, keys: Iterable[int], span: Span = EVER, *, newest_first: bool = False) -> Iterator[int]:
    """The ids of the events that have one of these keys, in order."""
    known = sorted(set(keys))
    segments = [
        row[0] for row in reader.all("SELECT number FROM segment WHERE last >= ? AND first < ? ORDER BY number", span)
    ]
    parts = [_of_key(reader, segment, key, span, newest_first) for segment in segments for key in known]
    last = -1
    for log_id in merge(iter(_fresh_log_ids(reader, known, span, newest_first)), *parts, reverse=newest_first):
        if log_id != last:
            yield log_id
        last = log_id


def _fresh_log_ids(reader: Reader, keys: Sequence[int], span: Span, newest_first: bool) -> list[int]:
    sql = f"SELECT id FROM fact_fresh WHERE key IN ({', '.join('?' * len(keys))}) AND id >= ? AND id < ?"  # noqa: S608
    return sorted((row[0] for row in reader.all(sql, (*keys, *span))), reverse=newest_first)


def _of_key(reader: Reader, segment: int, key: int, span: Span, newest_first: bool) -> Iterator[int]:
    way = "DESC" if newest_first else "ASC"
    sql = (
        f"SELECT id FROM fact_key WHERE segment = ? AND key = ? AND id >= ? AND id < ? ORDER BY id {way} LIMIT {_PAGE}"  # noqa: S608
    )
    first, end = span
    while True:
        ids = [row[0] for row in reader.all(sql, (segment, key, first, end))]
        yield from ids
        if len(ids) < _PAGE:
            return
        first, end = (first, ids[-1]) if newest_first else (ids[-1] + 1, end)
