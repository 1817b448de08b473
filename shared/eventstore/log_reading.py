"""Reads the log for followers: in order, in pages of bounded size, and only of the log that they have followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.eventstore.connection import Reader, Row
from shared.eventstore.transaction import COLUMNS, LAST_POSITIONS
from shared.ids import SHARDS

PAGE_ROWS = 64
"""Rows of a page. An event for the bus has 1 MiB at most, so the octets of a page are bounded too."""
SPAN = 2000
"""Positions that a page with a filter examines, which takes a few milliseconds of the event loop."""
CLOCK_SLACK = 60_000_000
"""Microseconds by which the clock of a restored owner may be behind its former clock."""
_TYPE = COLUMNS.split(", ").index("type")


class LogPosition(NamedTuple):
    """A position of a shard, and the time of its event in UTC microseconds; 0 when the time is unknown."""

    position: int
    at: int


NOWHERE = LogPosition(0, 0)


class Page(NamedTuple):
    """A piece of a shard's log. `before` is the event after which the reader asked to begin, if it still exists."""

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
    """The log as followers may see it.

    On PostgreSQL transactions end in any order, so it ends before the first event that a running transaction may still
    add.
    """

    def __init__(self, reader: Reader, dialect: str) -> None:
        self._reader = reader
        self._visible = _VISIBLE if dialect == "postgresql" else ""

    def heads(self) -> dict[int, int]:
        """The last position of each shard that has events."""
        heads: dict[int, int] = {}
        for shard, position in self._reader.all(_HEADS_VISIBLE if self._visible else _HEADS):
            if position:
                heads[shard] = max(position, heads.get(shard, 0))
        return heads

    def places(self) -> dict[int, LogPosition]:
        """Like `heads`, with the times of these events."""
        places = {}
        for shard, position in self.heads().items():
            last = self._last(shard, position)
            places[shard] = last if last.position == position else LogPosition(position, 0)
        return places

    def rows(self, shard: int, after: int, limit: int) -> list[Row]:
        """The events after a position, in order."""
        sql = f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position > ?{self._visible} ORDER BY position LIMIT ?"  # noqa: S608
        return self._reader.all(sql, (shard, after, limit))

    def page(self, shard: int, after: int, head: int, areas: Sequence[str]) -> Page:
        """The next events after a position, up to the head.

        With `areas`, only those whose types begin with one of them.
        """
        end = min(head, after + SPAN) if areas else head
        rows = self._between(shard, after, end, areas)
        before = rows.pop(0) if rows and _place_of(rows[0]).position == after else None
        reached = _place_of(rows[-1]) if rows else NOWHERE
        if len(rows) < PAGE_ROWS and reached.position != end:  # the events up to the end were folded into snapshots
            reached = LogPosition(end, 0)
        return Page([row for row in rows if not areas or row[_TYPE].startswith(tuple(areas))], reached, before)

    def agreed(self, followed: Mapping[int, LogPosition]) -> dict[int, LogPosition]:
        """The place in each shard up to which the log is the one that was followed to these places."""
        heads = self.heads()
        return {shard: self._agreed_position(shard, place, heads.get(shard, 0)) for shard, place in followed.items()}

    def _agreed_position(self, shard: int, place: LogPosition, head: int) -> LogPosition:
        if not place.position:
            return NOWHERE
        row = self._reader.first_row("SELECT at FROM event WHERE shard = ? AND position = ?", (shard, place.position))
        if place.position <= head and (row is None or place.at in (0, row[0])):
            return LogPosition(place.position, row[0] if row else place.at)
        return self._older(shard, place, head) if place.at else NOWHERE

    def _older(self, shard: int, place: LogPosition, head: int) -> LogPosition:
        """The last event that certainly belongs to the log before it was restored.

        It is older than the last followed event, while events written since are newer.
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
        return LogPosition(*row) if row else NOWHERE

    def _between(self, shard: int, after: int, end: int, areas: Sequence[str]) -> list[Row]:
        """The events in a range, with those at both ends whatever their type.

        The ends show which log this is, and the time at the end of the page.
        """
        chosen = " OR ".join(["position = ?", "position = ?", *["type LIKE ?"] * len(areas)])
        sql = (
            f"SELECT {COLUMNS} FROM event WHERE shard = ? AND position >= ? AND position <= ?{self._visible}"  # noqa: S608
            f"{f' AND ({chosen})' if areas else ''} ORDER BY position LIMIT {PAGE_ROWS + 1}"
        )
        patterns = (after, end, *(f"{area}%" for area in areas)) if areas else ()
        return self._reader.all(sql, (shard, max(after, 1), end, *patterns))


def _place_of(row: Row) -> LogPosition:
    """The place of an event, from its row in the order of COLUMNS."""
    _, position, _, _, _, _, at, *_ = row
    return LogPosition(position, at)
