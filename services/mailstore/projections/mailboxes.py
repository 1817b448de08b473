"""Applies the events of an account to its mailboxes and entries.

Only this module and `messages` change these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy

from services.mailstore.projections import all_mail, removed
from services.mailstore.projections.closing import erase_rows
from services.mailstore.projections.messages import FOLDS, use
from services.mailstore.projections.tables import mailbox_tables
from shared.events import mailbox as events
from shared.events.all_mail_mailbox import AllMailEnded, AllMailFilled, AllMailMade
from shared.events.closing import AccountErased
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class MailboxProjection:
    """Keeps accounts, mailboxes, entries, vanished UIDs, keywords, subscriptions, thread references, and what was
    removed."""

    name = "mailboxes"
    version = 6

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = mailbox_tables(metadata)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded, recorded.event)


def _opened(connection: Connection, recorded: Recorded, event: events.AccountOpened) -> None:
    connection.execute("INSERT INTO account (account, used, messages, all_mail) VALUES (?, 0, 0, '')", (event.account,))
    for mailbox in event.mailboxes:
        _make(connection, recorded, event.account, mailbox)


def _created(connection: Connection, recorded: Recorded, event: events.MailboxCreated) -> None:
    _make(connection, recorded, event.account, event.mailbox)


def _make(connection: Connection, recorded: Recorded, account: str, mailbox: events.NewMailbox) -> None:
    connection.execute(
        "INSERT INTO mailbox (id, account, name, uid_validity, uid_next, special_use, messages, unseen, deleted, "
        "size, modseq)"
        " VALUES (?, ?, ?, ?, 1, ?, 0, 0, 0, 0, ?)",
        (mailbox.id, account, mailbox.name, mailbox.uid_validity, mailbox.special_use, recorded.version),
    )
    if mailbox.subscribed:
        _subscribe(connection, account, mailbox.name)


def _subscribe(connection: Connection, account: str, name: str) -> None:
    connection.execute(
        "INSERT INTO subscription (account, name) VALUES (?, ?) ON CONFLICT (account, name) DO NOTHING", (account, name)
    )


def _subscribed(connection: Connection, _recorded: Recorded, event: events.MailboxSubscribed) -> None:
    if event.subscribed:
        _subscribe(connection, event.account, event.name)
    else:
        connection.execute("DELETE FROM subscription WHERE account = ? AND name = ?", (event.account, event.name))


def _renamed(connection: Connection, _recorded: Recorded, event: events.MailboxRenamed) -> None:
    for mailbox, name in event.names:
        if event.carries_subscriptions:
            _carry_subscription(connection, event.account, mailbox, name)
        connection.execute("UPDATE mailbox SET name = ? WHERE id = ?", (name, mailbox))
    for mailbox, validity in event.uid_validities:
        connection.execute("UPDATE mailbox SET uid_validity = ? WHERE id = ?", (validity, mailbox))


def _carry_subscription(connection: Connection, account: str, mailbox: str, name: str) -> None:
    row = connection.first_row("SELECT name FROM mailbox WHERE id = ?", (mailbox,))
    if row and connection.execute("DELETE FROM subscription WHERE account = ? AND name = ?", (account, row[0])):
        _subscribe(connection, account, name)


def _deleted(connection: Connection, recorded: Recorded, event: events.MailboxDeleted) -> None:
    row = connection.first_row("SELECT size, messages FROM mailbox WHERE id = ?", (event.mailbox,))
    if row is None:
        return
    size, messages = row
    if shown := use(connection, event.account, -size, -messages):
        all_mail.remove(connection, recorded, shown, event.mailbox, all_mail.EVERY_UID)
    if messages:
        removed.note(connection, recorded, event.account, event.mailbox, removed.DELETED)
        removed.keep(connection, recorded, event.account, event.mailbox, removed.ALL)
    for table in ("entry", "vanished", "changed", "keyword"):
        connection.execute(f"DELETE FROM {table} WHERE mailbox = ?", (event.mailbox,))  # noqa: S608
    connection.execute("DELETE FROM mailbox WHERE id = ?", (event.mailbox,))


def _all_mail_made(connection: Connection, recorded: Recorded, event: AllMailMade) -> None:
    _make(connection, recorded, event.account, event.mailbox)
    connection.execute(
        "INSERT INTO all_mailbox (mailbox, without) VALUES (?, ?)", (event.mailbox.id, " ".join(event.without))
    )
    connection.execute("UPDATE account SET all_mail = ? WHERE account = ?", (event.mailbox.id, event.account))


def _all_mail_filled(connection: Connection, recorded: Recorded, event: AllMailFilled) -> None:
    all_mail.add(connection, recorded, event.mailbox, event.source, event.uids)


def _all_mail_ended(connection: Connection, _recorded: Recorded, event: AllMailEnded) -> None:
    all_mail.end(connection, event.account, event.mailbox)


def _erased(connection: Connection, _recorded: Recorded, event: AccountErased) -> None:
    erase_rows(connection, event.account)


_FOLDS: dict[type, Callable[[Connection, Recorded, Any], None]] = {
    events.AccountOpened: _opened,
    events.MailboxCreated: _created,
    events.MailboxSubscribed: _subscribed,
    events.MailboxRenamed: _renamed,
    events.MailboxDeleted: _deleted,
    AllMailMade: _all_mail_made,
    AllMailFilled: _all_mail_filled,
    AllMailEnded: _all_mail_ended,
    AccountErased: _erased,
    **FOLDS,
}
