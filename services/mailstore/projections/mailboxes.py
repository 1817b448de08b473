"""Folding the facts of an account into its mailboxes and entries: the only code that changes these tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy

from services.mailstore.domain.flags import DELETED, SEEN, Flags, changed, parse
from services.mailstore.projections.tables import mailbox_tables
from shared.events import mailbox as facts
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_ENTRY = (
    "mailbox, uid, entry, blob, size, internal_date, saved, content, thread, system, keywords, modseq, prefix, queue_id"
)
_INSERT_ENTRY = f"INSERT INTO entry ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_COUNT = (
    "UPDATE mailbox SET uid_next = CASE WHEN uid_next > ? THEN uid_next ELSE ? END, messages = messages + ?, unseen = unseen + ?,"
    " deleted = deleted + ?, size = size + ?, modseq = ? WHERE id = ?"
)
_USE = "UPDATE account SET used = used + ?, messages = messages + ? WHERE account = ?"


class MailboxProjection:
    """Accounts, mailboxes, entries, what vanished, keywords, subscriptions and thread references."""

    name = "mailboxes"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = mailbox_tables(metadata)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded, recorded.event)


def _opened(connection: Connection, recorded: Recorded, event: facts.AccountOpened) -> None:
    connection.execute("INSERT INTO account (account, used, messages) VALUES (?, 0, 0)", (event.account,))
    for mailbox in event.mailboxes:
        _make(connection, recorded, event.account, mailbox)


def _created(connection: Connection, recorded: Recorded, event: facts.MailboxCreated) -> None:
    _make(connection, recorded, event.account, event.mailbox)


def _make(connection: Connection, recorded: Recorded, account: str, mailbox: facts.NewMailbox) -> None:
    connection.execute(
        "INSERT INTO mailbox (id, account, name, uid_validity, uid_next, special_use, messages, unseen, deleted, size, modseq)"
        " VALUES (?, ?, ?, ?, 1, ?, 0, 0, 0, 0, ?)",
        (mailbox.id, account, mailbox.name, mailbox.uid_validity, mailbox.special_use, recorded.version),
    )
    if mailbox.subscribed:
        _subscribe(connection, account, mailbox.name)


def _subscribe(connection: Connection, account: str, name: str) -> None:
    connection.execute(
        "INSERT INTO subscription (account, name) VALUES (?, ?) ON CONFLICT (account, name) DO NOTHING", (account, name)
    )


def _subscribed(connection: Connection, _recorded: Recorded, event: facts.MailboxSubscribed) -> None:
    if event.subscribed:
        _subscribe(connection, event.account, event.name)
    else:
        connection.execute("DELETE FROM subscription WHERE account = ? AND name = ?", (event.account, event.name))


def _renamed(connection: Connection, _recorded: Recorded, event: facts.MailboxRenamed) -> None:
    for mailbox, name in event.names:
        if event.carries_subscriptions:
            _carry_subscription(connection, event.account, mailbox, name)
        connection.execute("UPDATE mailbox SET name = ? WHERE id = ?", (name, mailbox))
    for mailbox, validity in event.uid_validities:
        connection.execute("UPDATE mailbox SET uid_validity = ? WHERE id = ?", (validity, mailbox))


def _carry_subscription(connection: Connection, account: str, mailbox: str, name: str) -> None:
    row = connection.one("SELECT name FROM mailbox WHERE id = ?", (mailbox,))
    if row and connection.execute("DELETE FROM subscription WHERE account = ? AND name = ?", (account, row[0])):
        _subscribe(connection, account, name)


def _deleted(connection: Connection, _recorded: Recorded, event: facts.MailboxDeleted) -> None:
    row = connection.one("SELECT size, messages FROM mailbox WHERE id = ?", (event.mailbox,))
    if row is None:
        return
    connection.execute(_USE, (-row[0], -row[1], event.account))
    for table in ("entry", "vanished", "keyword"):
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (event.mailbox,))  # noqa: S608
    connection.execute("DELETE FROM mailbox WHERE id = ?", (event.mailbox,))


def _delivered(connection: Connection, recorded: Recorded, event: facts.MessageDelivered) -> None:
    _add(connection, recorded, event.account, event.mailbox, [event.entry], event.queue_id)


def _appended(connection: Connection, recorded: Recorded, event: facts.MessageAppended) -> None:
    _add(connection, recorded, event.account, event.mailbox, event.entries, "")


def _add(
    connection: Connection,
    recorded: Recorded,
    account: str,
    mailbox: str,
    entries: Sequence[facts.NewEntry],
    queue_id: str,
) -> None:
    flags = [parse(entry.flags) for entry in entries]
    for entry, flag in zip(entries, flags, strict=True):
        connection.execute(
            _INSERT_ENTRY,
            (
                mailbox,
                entry.uid,
                entry.entry,
                entry.blob,
                entry.size,
                entry.internal_date,
                recorded.at,
                entry.content,
                entry.thread,
                flag.system,
                flag.keywords,
                recorded.version,
                entry.prefix,
                queue_id,
            ),
        )
        if entry.message_id:
            connection.execute(
                "INSERT INTO thread_reference (account, message_id, thread) VALUES (?, ?, ?) ON CONFLICT (account, message_id) DO NOTHING",
                (account, entry.message_id, entry.thread),
            )
    _count(connection, recorded, mailbox, entries[-1].uid + 1, flags, sum(entry.size for entry in entries))
    connection.execute(_USE, (sum(entry.size for entry in entries), len(entries), account))
    _note_keywords(connection, mailbox, flags)


def _count(
    connection: Connection,
    recorded: Recorded,
    mailbox: str,
    uid_next: int,
    flags: Sequence[Flags],
    size: int,
    sign: int = 1,
) -> None:
    unseen = sum(not flag.system & SEEN for flag in flags)
    deleted = sum(bool(flag.system & DELETED) for flag in flags)
    connection.execute(
        _COUNT,
        (uid_next, uid_next, sign * len(flags), sign * unseen, sign * deleted, sign * size, recorded.version, mailbox),
    )


def _note_keywords(connection: Connection, mailbox: str, flags: Iterable[Flags]) -> None:
    for word in sorted({word for flag in flags if flag.keywords for word in flag.keywords.split()}):
        connection.execute(
            "INSERT INTO keyword (mailbox, keyword) VALUES (?, ?) ON CONFLICT (mailbox, keyword) DO NOTHING",
            (mailbox, word),
        )


def _flags_changed(connection: Connection, recorded: Recorded, event: facts.FlagsChanged) -> None:
    given = parse(event.flags)
    rows, unseen, deleted = [], 0, 0
    for uid, before in _flags_of(connection, event.mailbox, event.uids):
        after = changed(before, event.mode, given)
        unseen += bool(before.system & SEEN) - bool(after.system & SEEN)
        deleted += bool(after.system & DELETED) - bool(before.system & DELETED)
        rows.append((after.system, after.keywords, recorded.version, event.mailbox, uid))
    connection.execute_many("UPDATE entry SET system = ?, keywords = ?, modseq = ? WHERE mailbox = ? AND uid = ?", rows)
    connection.execute(_COUNT, (0, 0, 0, unseen, deleted, 0, recorded.version, event.mailbox))
    if event.mode != "remove":
        _note_keywords(connection, event.mailbox, [given])


def _flags_of(connection: Connection, mailbox: str, uids: facts.Uids) -> list[tuple[int, Flags]]:
    sql = "SELECT uid, system, keywords FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid"
    return [
        (row[0], Flags(row[1], row[2])) for first, last in uids for row in connection.all(sql, (mailbox, first, last))
    ]


def _copied(connection: Connection, recorded: Recorded, event: facts.MessagesCopied) -> None:
    rows = _sources(connection, event.source, event.uids)
    copies = [
        (
            event.target,
            event.first_uid + number,
            f"{event.entries}.{number}",
            *row[3:6],
            recorded.at,
            *row[7:11],
            recorded.version,
            *row[12:],
        )
        for number, row in enumerate(rows)
    ]
    connection.execute_many(_INSERT_ENTRY, copies)
    flags, size = [Flags(row[9], row[10]) for row in rows], sum(row[4] for row in rows)
    _count(connection, recorded, event.target, event.first_uid + len(rows), flags, size)
    connection.execute(_USE, (size, len(rows), event.account))
    _note_keywords(connection, event.target, flags)


def _moved(connection: Connection, recorded: Recorded, event: facts.MessagesMoved) -> None:
    rows = _sources(connection, event.source, event.uids)
    _remove(connection, recorded, event.source, event.uids, rows)
    moved = [
        (event.target, event.first_uid + number, *row[2:6], recorded.at, *row[7:11], recorded.version, *row[12:])
        for number, row in enumerate(rows)
    ]
    connection.execute_many(_INSERT_ENTRY, moved)
    flags = [Flags(row[9], row[10]) for row in rows]
    _count(connection, recorded, event.target, event.first_uid + len(rows), flags, sum(row[4] for row in rows))
    _note_keywords(connection, event.target, flags)


def _expunged(connection: Connection, recorded: Recorded, event: facts.MessagesExpunged) -> None:
    rows = _sources(connection, event.mailbox, event.uids)
    _remove(connection, recorded, event.mailbox, event.uids, rows)
    connection.execute(_USE, (-sum(row[4] for row in rows), -len(rows), event.account))


def _sources(connection: Connection, mailbox: str, uids: facts.Uids) -> list[tuple[Any, ...]]:
    sql = f"SELECT {_ENTRY} FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid"  # noqa: S608
    return [row for first, last in uids for row in connection.all(sql, (mailbox, first, last))]


def _remove(
    connection: Connection, recorded: Recorded, mailbox: str, uids: facts.Uids, rows: Sequence[tuple[Any, ...]]
) -> None:
    for first, last in uids:
        connection.execute("DELETE FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?", (mailbox, first, last))
        connection.execute(
            "INSERT INTO vanished (mailbox, modseq, first, last) VALUES (?, ?, ?, ?)",
            (mailbox, recorded.version, first, last),
        )
    flags = [Flags(row[9], row[10]) for row in rows]
    _count(connection, recorded, mailbox, 0, flags, sum(row[4] for row in rows), sign=-1)


_FOLDS: dict[type, Callable[[Connection, Recorded, Any], None]] = {
    facts.AccountOpened: _opened,
    facts.MailboxCreated: _created,
    facts.MailboxSubscribed: _subscribed,
    facts.MailboxRenamed: _renamed,
    facts.MailboxDeleted: _deleted,
    facts.MessageDelivered: _delivered,
    facts.MessageAppended: _appended,
    facts.FlagsChanged: _flags_changed,
    facts.MessagesCopied: _copied,
    facts.MessagesMoved: _moved,
    facts.MessagesExpunged: _expunged,
}
