"""Changes and lists blocked and allowed senders and networks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

from services.directory.domain.blocking import (
    MOST_AT_ONCE,
    add_entries,
    canonical_patterns,
    remove_entries,
    sender_list,
)
from services.directory.handlers import load
from services.directory.handlers.commands import append
from services.directory.projections.blocking import entry_key
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.routing.block_lists import SenderList

PAGE_LIMIT: Final = 1_000
_PAGE_ROWS = 200
_ENTRIES = "SELECT key, account, list, pattern FROM blocking_entry WHERE key > ? ORDER BY key LIMIT ?"


class EntryPage(NamedTuple):
    """Some patterns of a list, whether more follow, and how many the list has."""

    patterns: tuple[str, ...]
    more: bool
    total: int


class BlockingCommands:
    """Commands on the lists: each method is the body of a unit of work.

    `name` is the address of an account; empty: the lists of the server.
    """

    def add(
        self, tx: Transaction, name: str, list_name: str, texts: Sequence[str], provenance: Provenance
    ) -> Sequence[str]:
        """Put patterns on a list; returns those that were not on it. Raises DirectoryRefused."""
        account, chosen, patterns = account_of_lists(tx, name), sender_list(list_name), canonical_patterns(texts)
        earlier = tx.answered(provenance.command)
        if earlier:
            return _patterns_of(earlier[0].event)
        events = put_on_list(tx, account, chosen, patterns, provenance)
        return _patterns_of(events[0]) if events else ()

    def remove(
        self, tx: Transaction, name: str, list_name: str, texts: Sequence[str], provenance: Provenance
    ) -> Sequence[str]:
        """Remove patterns from a list; returns them. Raises DirectoryRefused."""
        account, chosen, patterns = account_of_lists(tx, name), sender_list(list_name), canonical_patterns(texts)
        if not tx.answered(provenance.command):
            events = remove_entries(account, chosen, patterns, lists_of_patterns(tx, account, patterns))
            append(tx, f"blocking:{account}", events, provenance)
        return patterns


def put_on_list(
    tx: Transaction, account: str, chosen: SenderList, patterns: Sequence[str], provenance: Provenance
) -> Sequence[Event]:
    """Put canonical patterns on a list; no event when it has all of them. Raises DirectoryRefused."""
    sql = "SELECT count(*), coalesce(sum(CASE WHEN compared THEN 1 ELSE 0 END), 0) FROM blocking_entry"
    (total, compared), *_ = tx.all(f"{sql} WHERE account = ?", (account,))
    events = add_entries(account, chosen, patterns, lists_of_patterns(tx, account, patterns), int(total), int(compared))
    append(tx, f"blocking:{account}", events, provenance)
    return events


def entries(reader: Reader, name: str, list_name: str, after: str, limit: int) -> EntryPage:
    """The next patterns of a list. Raises DirectoryRefused."""
    account, chosen = account_of_lists(reader, name), sender_list(list_name)
    limit = min(limit or PAGE_LIMIT, PAGE_LIMIT)
    chosen_rows = "FROM blocking_entry WHERE account = ? AND list = ?"
    rows = reader.all(
        f"SELECT pattern {chosen_rows} AND pattern > ? ORDER BY pattern LIMIT ?", (account, chosen, after, limit + 1)
    )
    row = reader.first_row(f"SELECT count(*) {chosen_rows}", (account, chosen))
    return EntryPage(tuple(pattern for (pattern,) in rows[:limit]), len(rows) > limit, int(row[0]) if row else 0)


def kept_entries(reader: Reader, account: str) -> list[Event]:
    """The events that give a restored account the lists that it had when it was archived."""
    sql = "SELECT list, pattern FROM kept_blocking_entry WHERE account = ? ORDER BY list, pattern"
    events = list[Event]()
    for chosen, group in groupby(reader.all(sql, (account,)), key=lambda row: row[0]):
        patterns = [pattern for _, pattern in group]
        for start in range(0, len(patterns), MOST_AT_ONCE):
            events.append(BlockingEntriesAdded(account, chosen, tuple(patterns[start : start + MOST_AT_ONCE])))
    return events


async def blocking_events(store: EventStore) -> AsyncIterator[Sequence[Event]]:
    """Events that would create the lists in the rows, in pages, for followers that keep a copy."""
    rows = await store.read(partial(_page, ""))
    while rows:
        yield list(_added(rows))
        rows = await store.read(partial(_page, rows[-1][0]))


def _added(rows: Sequence[Row]) -> Iterator[Event]:
    for (account, chosen), group in groupby(rows, key=lambda row: (row[1], row[2])):
        yield BlockingEntriesAdded(account, chosen, tuple(row[3] for row in group))


def _page(after: str, reader: Reader) -> list[Row]:
    return reader.all(_ENTRIES, (after, _PAGE_ROWS))


def account_of_lists(reader: Reader, name: str) -> str:
    """The id of an account; empty for an empty name, which stands for the server. Raises DirectoryRefused."""
    return load.existing("account", name, load.account(reader, name)).id if name else ""


def lists_of_patterns(reader: Reader, account: str, patterns: Sequence[str]) -> dict[str, str]:
    """The lists of those patterns that are on one."""
    sql = "SELECT list FROM blocking_entry WHERE key = ?"
    rows = ((pattern, reader.first_row(sql, (entry_key(account, pattern),))) for pattern in patterns)
    return {pattern: row[0] for pattern, row in rows if row is not None}


def _patterns_of(event: Event) -> Sequence[str]:
    return event.patterns if isinstance(event, BlockingEntriesAdded | BlockingEntriesRemoved) else ()
