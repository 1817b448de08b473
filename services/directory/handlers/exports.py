"""The directory as the lines of an import, in pages. Passwords, their hashes and other secrets are left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from services.directory.domain.bulk_lines import as_time, written
from services.directory.domain.line_kinds import (
    AccountLine,
    AliasLine,
    AnyLine,
    ApplicationLine,
    DomainLine,
    FieldLine,
    GrantLine,
    GroupLine,
    ListLine,
    MembersLine,
    RelayLine,
    SendersLine,
    SignatureLine,
    UserLine,
    ValueLine,
)
from services.directory.handlers import load, load_groups, moderation_rows
from services.directory.handlers.sending_rows import RELAY_PAGE, given_relay
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore

PAGE_ROWS = 100
"""Rows of a page, which take a few milliseconds of the event loop."""
_texts = msgspec.json.Decoder(tuple[str, ...])


class _ExportedTable(NamedTuple):
    """Rows of a kind after a key, and how they are written. The key is in the first columns."""

    keys: int
    sql: str
    lines: Callable[[Reader, Sequence[Row]], Iterable[AnyLine]]


def _domains(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, name, incoming, disabled, alias_of in rows:
        yield DomainLine(name, bool(incoming), bool(disabled), alias_of or "")


def _users(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, name, disabled, *profile in rows:
        yield UserLine(name, "", "", bool(disabled), *(text or None for text in profile))


def _groups(reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, name, identity in rows:
        group = load_groups.group(reader, identity)
        yield GroupLine(name, group.member_names if group is not None else ())


def _accounts(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, address, user, group, quota_bytes, quota_messages, size, disabled in rows:
        yield AccountLine(
            address,
            user or "",
            group or "",
            quota_bytes=quota_bytes,
            quota_messages=quota_messages,
            max_message_size=size or 0,
            disabled=bool(disabled),
        )


def _applications(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, address, receives, mails_an_hour, quota_bytes, quota_messages, size, disabled in rows:
        limits = quota_bytes, quota_messages, size or 0
        yield ApplicationLine(address, bool(receives), mails_an_hour, *limits, bool(disabled))


def _aliases(reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for key, ends_at, disabled in rows:
        state = load.alias(reader, key)
        if state is not None:
            targets = load_groups.with_group_names(reader, state.targets)
            yield AliasLine(state.address, targets, state.owner_names, as_time(ends_at), bool(disabled))


def _lists(reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, identity, address, owners, description, *switches in rows:
        state = moderation_rows.moderation(reader, identity)
        limits = state.most_posts, state.most_bytes, state.days
        values = _texts.decode(owners), description, *map(bool, switches)
        yield ListLine(*(address, *values, state.moderate.value, state.moderators, *limits))


def _members(reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for (address, paused), members in _grouped((row[2], bool(row[4]), row[3]) for row in rows):
        yield MembersLine(address, load_groups.with_group_names(reader, members), paused)


def _values(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, name, domain, value, text, html in rows:
        yield ValueLine(domain, name, value) if text is None else SignatureLine(domain, text, html)


def _fields(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, name, user, value in rows:
        yield FieldLine(user, name, value)


def _grants(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, _, user, address in rows:
        yield GrantLine(user, address)


def _senders(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for (address, chosen), patterns in _grouped((row[1] or "", row[2], row[3]) for row in rows):
        yield SendersLine(chosen, patterns, address)


def _relays(_reader: Reader, rows: Sequence[Row]) -> Iterable[AnyLine]:
    for _, *row in rows:
        relay, name = given_relay(tuple(row)), row[1]
        properties = relay.connections, relay.messages_per_minute, relay.recipients_per_message
        yield RelayLine(
            relay.preset,
            name or "",
            relay.host,
            relay.port,
            relay.tls,
            relay.user,
            relay.signatures,
            *properties,
            relay.accepts_null_reverse_path,
        )


def _grouped(rows: Iterable[tuple[str, Any, str]]) -> Iterable[tuple[tuple[str, Any], tuple[str, ...]]]:
    """The third values of rows, by the first two."""
    groups: dict[tuple[str, Any], list[str]] = {}
    for first, second, third in rows:
        groups.setdefault((first, second), []).append(third)
    return [(key, tuple(values)) for key, values in groups.items()]


_TABLES = (
    _ExportedTable(
        1,
        "SELECT domain.id, domain.name, domain.incoming, domain.disabled, other.name FROM domain"
        " LEFT JOIN domain AS other ON other.id = domain.alias_of WHERE domain.id > ? ORDER BY domain.id LIMIT ?",
        _domains,
    ),
    _ExportedTable(
        1,
        "SELECT key, name, disabled, display_name, language, time_zone FROM person LEFT JOIN profile"
        " ON profile.person = person.id WHERE key > ? ORDER BY key LIMIT ?",
        _users,
    ),
    _ExportedTable(1, "SELECT key, name, id FROM user_group WHERE key > ? ORDER BY key LIMIT ?", _groups),
    _ExportedTable(
        1,
        "SELECT account.key, address, person.name, user_group.name, quota_bytes, quota_messages, size_limit.octets,"
        " account.disabled"
        " FROM account LEFT JOIN person ON person.id = account.person"
        " LEFT JOIN user_group ON user_group.id = account.person LEFT JOIN size_limit ON size_limit.id = account.id"
        " WHERE account.key > ? ORDER BY account.key LIMIT ?",
        _accounts,
    ),
    _ExportedTable(
        1,
        "SELECT key, address, receives, mails_an_hour, quota_bytes, quota_messages, size_limit.octets, disabled"
        " FROM application LEFT JOIN size_limit ON size_limit.id = application.id"
        " WHERE key > ? ORDER BY key LIMIT ?",
        _applications,
    ),
    _ExportedTable(1, "SELECT key, ends_at, disabled FROM alias WHERE key > ? ORDER BY key LIMIT ?", _aliases),
    _ExportedTable(
        1,
        "SELECT key, id, address, owners, description, members_only, skip_recipients, rewrite_author, disabled"
        " FROM mailing_list WHERE key > ? ORDER BY key LIMIT ?",
        _lists,
    ),
    _ExportedTable(
        2,
        "SELECT list_member.list, list_member.id, mailing_list.address, list_member.address, paused"
        " FROM list_member JOIN mailing_list ON mailing_list.id = list_member.list"
        " WHERE (list_member.list, list_member.id) > (?, ?) ORDER BY list_member.list, list_member.id LIMIT ?",
        _members,
    ),
    _ExportedTable(
        2,
        "SELECT domain_value.domain, domain_value.name, domain.name, value, text, html FROM domain_value JOIN domain"
        " ON domain.id = domain_value.domain LEFT JOIN mail_signature"
        " ON domain_value.name = 'signature' AND mail_signature.id = value"
        " WHERE domain.alias_of = '' AND (domain_value.domain, domain_value.name) > (?, ?)"
        " ORDER BY domain_value.domain, domain_value.name LIMIT ?",
        _values,
    ),
    _ExportedTable(
        2,
        "SELECT user_field.person, user_field.name, person.name, value FROM user_field JOIN person"
        " ON person.id = user_field.person WHERE (user_field.person, user_field.name) > (?, ?)"
        " ORDER BY user_field.person, user_field.name LIMIT ?",
        _fields,
    ),
    _ExportedTable(
        2,
        "SELECT send_as.account, send_as.person, person.name, account.address FROM send_as"
        " JOIN person ON person.id = send_as.person JOIN account ON account.id = send_as.account"
        " WHERE (send_as.account, send_as.person) > (?, ?) ORDER BY send_as.account, send_as.person LIMIT ?",
        _grants,
    ),
    _ExportedTable(
        1,
        "SELECT blocking_entry.key, account.address, list, pattern FROM blocking_entry LEFT JOIN account"
        " ON account.id = blocking_entry.account WHERE blocking_entry.key > ? ORDER BY blocking_entry.key LIMIT ?",
        _senders,
    ),
    _ExportedTable(1, f"{RELAY_PAGE} WHERE '.' || relay.domain > ? ORDER BY relay.domain LIMIT ?", _relays),
)
"""In the order in which an import can take them, except for aliases, lists and members that name each other."""


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
    return [written(line) for line in table.lines(reader, rows)], last
