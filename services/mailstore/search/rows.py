"""SEARCH by a condition on rows: the database answers with runs of UIDs, a span of the mailbox at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from services.mailstore.search.row_condition import RowCondition
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges, ranges
from shared.turns import Turns

_SPAN, _LEAST_SPAN = 2000, 100
"""UIDs that one statement examines."""
_KEYS_A_SPAN = 8000
_FIRST = "SELECT min(uid) FROM entry WHERE mailbox = ? AND uid > ? AND uid <= ?"


class MatchedRun(NamedTuple):
    """The matching messages of a span."""

    uids: Ranges
    modseq: int
    """The highest MODSEQ among them."""
    last: int
    """The end of the span; 0 behind the last message."""


async def matching_rows(
    store: EventStore, turns: Turns, mailbox: str, bounds: tuple[int, int], condition: RowCondition
) -> AsyncIterator[MatchedRun]:
    """The matching messages between two UIDs, ascending; other requests are served between spans."""
    first, last = bounds
    after, size = first - 1, max(_LEAST_SPAN, min(_SPAN, _KEYS_A_SPAN // condition.keys))
    while True:
        matched = await store.read(lambda reader, after=after: _span(reader, mailbox, after, last, size, condition))  # type: ignore[misc]
        # A row that SQL examines costs little.
        await turns.spend(rows=size // 4, keys=condition.keys)
        if matched.uids:
            yield matched
        if not matched.last:
            return
        after = matched.last


def _span(reader: Reader, mailbox: str, after: int, last: int, size: int, condition: RowCondition) -> MatchedRun:
    """The matching messages of the span that begins with the first message behind a UID."""
    row = reader.first_row(_FIRST, (mailbox, after, last))
    if row is None or row[0] is None:
        return MatchedRun((), 0, 0)
    end = min(row[0] + size - 1, last)
    where = f"FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND {condition.text}"
    asked = (mailbox, row[0], end, *condition.parameters)
    counted = reader.first_row(f"SELECT min(uid), max(uid), count(*), coalesce(max(modseq), 0) {where}", asked)
    low, high, matching, modseq = counted or (None, None, 0, 0)
    if not matching:
        return MatchedRun((), 0, end)
    if high - low + 1 == matching:
        return MatchedRun(((low, high),), modseq, end)
    uids = ranges(uid for (uid,) in reader.all(f"SELECT uid {where} ORDER BY uid", asked))
    return MatchedRun(uids, modseq, end)
