"""Counts the mails of an erasure that are still under way. Nothing of them is erased before they are settled."""

from __future__ import annotations

from functools import partial

from shared.erasure.log_erasure import Erased
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore

_PAGE = 5_000


async def open_mails(store: EventStore, sql: str, erased: Erased) -> int:
    """The number of marked mails that a question lists.

    `sql` takes a key and a number of rows, and returns rows that begin with the key; their other columns are queue ids
    or ids of accounts as well.
    """
    count, after = 0, ""
    while True:
        rows = await store.read(partial(_page, sql=sql, after=after))
        count += sum(erased.account in row or bool(erased.marks.of(*row)) for row in rows)
        if len(rows) < _PAGE:
            return count
        after = rows[-1][0]


def _page(reader: Reader, sql: str, after: str) -> list[Row]:
    return reader.all(sql, (after, _PAGE))
