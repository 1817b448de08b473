"""The directory as the lines of an import, in pages. Passwords, their hashes and other secrets are left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import NamedTuple

import msgspec

from services.directory.domain.bulk_lines import (
    AccountLine,
    AliasLine,
    AnyLine,
    DomainLine,
    UserLine,
    ValueLine,
    as_time,
    written,
)
from services.directory.handlers import load
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore

PAGE_ROWS = 100
"""Rows of a page, which take a few milliseconds of the event loop."""
_texts = msgspec.json.Decoder(tuple[str, ...])


class _ExportedTable(NamedTuple):
    """Rows of a kind after a key, and how they are written. The key is in the first columns."""

    keys: int
    sql: str
    line: Callable[[Reader, Row], AnyLine]


def _domain(_reader: Reader, row: Row) -> AnyLine:
    _, name, incoming, disabled, alias_of = row
    return DomainLine(name, bool(incoming), bool(disabled), alias_of or "")


def _user(_reader: Reader, row: Row) -> AnyLine:
    _, name, disabled = row
    return UserLine(name, disabled=bool(disabled))


def _account(_reader: Reader, row: Row) -> AnyLine:
    _, address, user, quota_bytes, disabled = row
    return AccountLine(address, user or "", quota_bytes=quota_bytes, disabled=bool(disabled))


def _alias(reader: Reader, row: Row) -> AnyLine:
    key, address, targets, ends_at, disabled = row
    state = load.alias(reader, key)
    owners = state.owner_names if state is not None else ()
    return AliasLine(address, _texts.decode(targets), owners, as_time(ends_at), bool(disabled))


def _value(_reader: Reader, row: Row) -> AnyLine:
    _, name, domain, value = row
    return ValueLine(domain, name, value)


_TABLES = (
    _ExportedTable(
        1,
        "SELECT domain.id, domain.name, domain.incoming, domain.disabled, other.name FROM domain"
        " LEFT JOIN domain AS other ON other.id = domain.alias_of WHERE domain.id > ? ORDER BY domain.id LIMIT ?",
        _domain,
    ),
    _ExportedTable(1, "SELECT key, name, disabled FROM person WHERE key > ? ORDER BY key LIMIT ?", _user),
    _ExportedTable(
        1,
        "SELECT account.key, address, person.name, quota_bytes, account.disabled FROM account LEFT JOIN person"
        " ON person.id = account.person WHERE account.key > ? ORDER BY account.key LIMIT ?",
        _account,
    ),
    _ExportedTable(
        1, "SELECT key, address, targets, ends_at, disabled FROM alias WHERE key > ? ORDER BY key LIMIT ?", _alias
    ),
    _ExportedTable(
        2,
        "SELECT domain_value.domain, domain_value.name, domain.name, value FROM domain_value JOIN domain"
        " ON domain.id = domain_value.domain WHERE (domain_value.domain, domain_value.name) > (?, ?)"
        " ORDER BY domain_value.domain, domain_value.name LIMIT ?",
        _value,
    ),
)
"""In the order in which an import can take them, except for aliases of aliases."""


async def exported(store: EventStore) -> AsyncIterator[list[bytes]]:
    """All lines, in pages."""
    for table in _TABLES:
        after: Row | None = tuple([""] * table.keys)
        while after is not None:
            lines, after = await store.read(partial(_page, table, after))
            if lines:
                yield lines


def _page(table: _ExportedTable, after: Row, reader: Reader) -> tuple[list[bytes], Row | None]:
    rows = reader.all(table.sql, (*after, PAGE_ROWS))
    last = tuple(rows[-1][: table.keys]) if len(rows) == PAGE_ROWS else None
    return [written(table.line(reader, row)) for row in rows], last
