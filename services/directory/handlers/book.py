"""The address book in force.

It is read from the rows at the start and changed at each commit, before the writer gets its answer. The rows can also
be read as the events that would create them, for followers that keep a copy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from services.directory.handlers import list_rows, moderation_rows
from services.directory.handlers.blocking import blocking_events
from services.directory.handlers.credential_rows import application_events
from services.directory.handlers.scram_rows import offered
from services.directory.handlers.sharing_rows import SHARING_SQL, sharing_events
from shared.events.account_limits import AccountSizeLimitChanged
from shared.events.directory import (
    AccountAdded,
    AccountChanged,
    AccountMessageQuotaChanged,
    AliasAdded,
    AliasEndChanged,
    AliasEnded,
    AliasOwnersChanged,
    AliasSwitched,
    DomainAdded,
    DomainAliased,
    DomainChanged,
    DomainValueChanged,
    UserSwitched,
)
from shared.events.groups import GroupAdded, GroupJoined
from shared.events.send_as import SendAsGranted
from shared.events.verifiers import MechanismsOffered
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event, Recorded
from shared.eventstore.store import EventStore
from shared.protocol.address.address import Address
from shared.routing.address_book import AddressBook

_texts = msgspec.json.Decoder(tuple[str, ...])
PAGE_ROWS = 200
"""Rows of a page, which take a few milliseconds of the event loop."""


def _domain(row: Row) -> list[Event]:
    identity, name, incoming, disabled, alias_of = row
    events: list[Event] = [DomainAdded(identity, name, bool(incoming))]
    if disabled:
        events.append(DomainChanged(identity, bool(incoming), True))
    if alias_of:
        events.append(DomainAliased(identity, alias_of))
    return events


def _domain_value(row: Row) -> list[Event]:
    domain, name, value = row
    return [DomainValueChanged(domain, name, value, "")]


def _account(row: Row) -> list[Event]:
    identity, address, person, quota_bytes, disabled, quota_messages = row
    events: list[Event] = [AccountAdded(identity, address, person, quota_bytes)]
    if disabled:
        events.append(AccountChanged(identity, True, quota_bytes))
    if quota_messages:
        events.append(AccountMessageQuotaChanged(identity, quota_messages))
    return events


def _size_limit(row: Row) -> list[Event]:
    account, octets = row
    return [AccountSizeLimitChanged(account, octets)]


def _alias(row: Row) -> list[Event]:
    _key, address, targets, disabled, ends_at, ended, owners = row
    events: list[Event] = [AliasAdded(address, _texts.decode(targets))]
    if disabled:
        events.append(AliasSwitched(address, True))
    if ends_at:
        events.append(AliasEndChanged(address, ends_at))
    if ended:
        events.append(AliasEnded(address))
    if owners != "[]":
        events.append(AliasOwnersChanged(address, _texts.decode(owners)))
    return events


def _grant(row: Row) -> list[Event]:
    account, person = row
    return [SendAsGranted(person, account)]


def _disabled_user(row: Row) -> list[Event]:
    return [UserSwitched(row[0], True)]


def _group(row: Row) -> list[Event]:
    identity, name = row
    return [GroupAdded(identity, name)]


def _member(row: Row) -> list[Event]:
    group, user = row
    return [GroupJoined(group, user)]


class _Table(NamedTuple):
    """A table and its columns; the first is the key, which gives the order. A page has all rows of its last key."""

    sql: str
    events: Callable[[Row], list[Event]]
    keys: int = PAGE_ROWS
    """Keys of a page, where a key has many rows."""


_TABLES = (
    _Table("SELECT id, name, incoming, disabled, alias_of FROM domain WHERE id > ? ORDER BY id LIMIT ?", _domain),
    _Table(
        "SELECT domain, name, value FROM domain_value WHERE domain IN (SELECT DISTINCT domain FROM domain_value"
        " WHERE domain > ? ORDER BY domain LIMIT ?) ORDER BY domain, name",
        _domain_value,
    ),
    _Table(
        "SELECT id, address, person, quota_bytes, disabled, quota_messages FROM account WHERE id > ? ORDER BY id LIMIT"
        " ?",
        _account,
    ),
    _Table(
        "SELECT key, address, targets, disabled, ends_at, ended, owners FROM alias WHERE key > ? ORDER BY key LIMIT ?",
        _alias,
    ),
    _Table(
        "SELECT id, address, receives, disabled, mails_an_hour, quota_bytes, quota_messages FROM application"
        " WHERE id > ? ORDER BY id LIMIT ?",
        application_events,
    ),
    _Table("SELECT id, octets FROM size_limit WHERE id > ? ORDER BY id LIMIT ?", _size_limit),
    _Table(list_rows.BOOK_SQL, list_rows.book_rows),
    _Table(moderation_rows.BOOK_SQL, moderation_rows.book_rows),
    _Table("SELECT id FROM person WHERE id > ? AND disabled ORDER BY id LIMIT ?", _disabled_user),
    _Table(
        "SELECT account, person FROM send_as WHERE account IN (SELECT DISTINCT account FROM send_as"
        " WHERE account > ? ORDER BY account LIMIT ?) ORDER BY account, person",
        _grant,
    ),
    _Table(SHARING_SQL, sharing_events),
    _Table("SELECT id, name FROM user_group WHERE id > ? ORDER BY id LIMIT ?", _group),
    _Table(
        "SELECT user_group, person FROM group_member WHERE user_group IN (SELECT DISTINCT user_group FROM group_member"
        " WHERE user_group > ? ORDER BY user_group LIMIT ?) ORDER BY user_group, person",
        _member,
        1,
    ),
)


def read_book(reader: Reader) -> AddressBook:
    """The address book from the rows."""
    book = AddressBook()
    for table in _TABLES:
        rows = _page(table, "", reader)
        while rows:
            for row in rows:
                _fold(book, table.events(row))
            rows = _page(table, rows[-1][0], reader)
    return book


async def book_events(store: EventStore) -> AsyncIterator[Sequence[Event]]:
    """Events that would create the address book in the rows, and the lists of blocked senders, in pages.

    A change that is committed meanwhile may be missing; the reader then follows the log from a head that it read
    before.
    """
    for table in _TABLES:
        rows = await store.read(partial(_page, table, ""))
        while rows:
            yield [event for row in rows for event in table.events(row)]
            rows = await store.read(partial(_page, table, rows[-1][0]))
    async for page in blocking_events(store):
        yield page
    yield [MechanismsOffered(await store.read(offered))]


def _page(table: _Table, after: str, reader: Reader) -> list[Row]:
    return reader.all(table.sql, (after, table.keys))


def _fold(book: AddressBook, events: Sequence[Event]) -> None:
    for event in events:
        book.apply(event)


class CurrentBook:
    """The address book in memory."""

    def __init__(self) -> None:
        self.book = AddressBook()

    def canonical(self, address: Address) -> Address:
        """The address in the domain that counts, where its domain is an alias of another one."""
        return self.book.canonical(address)

    def follow(self, recorded: list[Recorded]) -> None:
        """Apply the events of a commit."""
        for entry in recorded:
            self.book.apply(entry.event)
