"""Reading the log for followers: in order, in pages of bounded size, and always of the log that they have followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.eventstore.connection import Reader, Row
from shared.eventstore.transaction import COLUMNS, LAST_POSITIONS
from shared.ids import SHARDS

PAGE_ROWS = 64
"""Of a page; an event has 1 MiB at most where the bus carries it, so a page is bounded in octets too."""
SPAN = 2000
"""Positions that a page with a filter looks at: a few milliseconds of a loop."""
CLOCK_SLACK = 60_000_000
"""Microseconds that the clock of a restored owner may be behind the one that it had."""
_AT = 6
"""Of COLUMNS."""


class LogPosition(NamedTuple):
    """A position of a shard, and the time of the event there (UTC microseconds); 0 where that is not known."""

    position: int
    at: int


NOWHERE = LogPosition(0, 0)


class Page(NamedTuple):
    """A piece of a shard's log. `before`: the event that the reader asked to begin behind, when it is still there."""

    rows: list[Row]
    reached: LogPosition
    before: Row | None


_VISIBLE = " AND tx < pg_snapshot_xmin(pg_current_snapshot())"
_FOLDED = "SELECT shard, position FROM head UNION ALL "
_HEADS = _FOLDED + LAST_POSITIONS
_HEADS_VISIBLE = _FOLDED + " UNION ALL ".join(
    f"SELECT {shard}, (SELECT position FROM event WHERE shard = {shard}{_VISIBLE} ORDER BY position DESC LIMIT 1)"  # noqa: S608
    for shard in range(SHARDS)
)
_LAST = "SELECT position, at FROM event WHERE shard = ? AND position <= ? ORDER BY position DESC LIMIT 1"


class LogReader:
    """The log as others may see it. On PostgreSQL, where transactions end in any order, that is what no running one can
    still get in front of.
    """

    def __init__(self, reader: Reader, dialect: str) -> None:
        self._reader = reader
        self._visible = _VISIBLE if dialect == "postgresql" else ""

    def heads(self) -> dict[int, int]:
        """The last position of each shard that has any."""
        heads: dict[int, int] = {}
        for shard, position in self._reader.all(_HEADS_VISIBLE if self._visible else _HEADS):
            if position:
                heads[shard] = max(position, heads.get(shard, 0))
        return heads

    def places(self) -> dict[int, LogPosition]:
        """As `heads`, with the times of the events there."""
        places = {}
        for shard, position in self.heads().items():
            last = self._last(shard, position)
            places[shard] = last if last.position == position else LogPosition(position, 0)
        return places

    def rows(self, shard: int, after: int, limit: int) -> list[Row]:
        """The events behind a position, in order."""
        sql = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position > ?{self._visible} ORDER BY position LIMIT ?"  # noqa: S608
        return self._reader.all(sql, (shard, after, limit))

    def page(self, shard: int, after: int, head: int, areas: Sequence[str]) -> Page:
        """The next events behind a position, up to the head. With `areas`, those alone whose types begin with one."""
        end = min(head, after + SPAN) if areas else head
        rows = self._between(shard, after, end, areas)
        before = rows.pop(0) if rows and rows[0][1] == after else None
        if len(rows) >= PAGE_ROWS:
            reached = LogPosition(rows[-1][1], rows[-1][_AT])
        else:  # what is missing up to the end was folded into snapshots
            reached = LogPosition(end, rows[-1][_AT] if rows and rows[-1][1] == end else 0)
        return Page([row for row in rows if not areas or row[4].startswith(tuple(areas))], reached, before)

    def agreed(self, followed: Mapping[int, LogPosition]) -> dict[int, LogPosition]:
        """How far each shard's log is the one that was followed to these places."""
        heads = self.heads()
        return {shard: self._agreed(shard, place, heads.get(shard, 0)) for shard, place in followed.items()}

    def _agreed(self, shard: int, place: LogPosition, head: int) -> LogPosition:
        if not place.position:
            return NOWHERE
        row = self._reader.first_row("SELECT at FROM event WHERE shard = ? AND position = ?", (shard, place.position))
        if place.position <= head and (row is None or place.at in (0, row[0])):
            return LogPosition(place.position, row[0] if row else place.at)
        return self._older(shard, place, head) if place.at else NOWHERE

    def _older(self, shard: int, place: LogPosition, head: int) -> LogPosition:
        """The last event that is surely of the log before it was restored: it is older than what was followed last,
        and what was written since is younger.
        """
        low, high, best = 0, min(place.position, head), NOWHERE
        while low < high:
            middle = (low + high + 1) // 2
            event = self._last(shard, middle)
            if event.position and event.at <= place.at - CLOCK_SLACK:
                low, best = middle, event
            else:
                high = middle - 1
        return best

    def _last(self, shard: int, position: int) -> LogPosition:
        """The last event of a shard up to a position."""
        row = self._reader.first_row(_LAST, (shard, position))
        return LogPosition(row[0], row[1]) if row else NOWHERE

    def _between(self, shard: int, after: int, end: int, areas: Sequence[str]) -> list[Row]:
        """With both ends, whatever their types: they say which log this is, and when the page's end was."""
        chosen = " OR ".join(["position = ?", "position = ?", *["type LIKE ?"] * len(areas)])
        sql = (
            f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position >= ? AND position <= ?{self._visible}"  # noqa: S608
            f"{f' AND ({chosen})' if areas else ''} ORDER BY position LIMIT {PAGE_ROWS + 1}"
        )
        patterns = (after, end, *(f"{area}%" for area in areas)) if areas else ()
        return self._reader.all(sql, (shard, max(after, 1), end, *patterns))
