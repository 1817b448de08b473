"""Applies events to the versions of mail signatures and to the fields of users; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import Column, MetaData, Table, Text

from shared.events.directory import UserRemoved
from shared.events.signatures import SignatureWritten, UserFieldChanged
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_INSERT = "INSERT INTO mail_signature (id, text, html) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
_SET = (
    "INSERT INTO user_field (person, name, value) VALUES (?, ?, ?)"
    " ON CONFLICT (person, name) DO UPDATE SET value = excluded.value"
)


class SignatureProjection:
    """Keeps every version, because mail in the queue names it, and the fields of the users that there are."""

    name = "signatures"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_mail_signature(metadata), _user_field(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case SignatureWritten(identity, text, html):
                connection.execute(_INSERT, (identity, text, html))
            case UserFieldChanged(identity, name, value):
                if value:
                    connection.execute(_SET, (identity, name, value))
                else:
                    connection.execute("DELETE FROM user_field WHERE person = ? AND name = ?", (identity, name))
            case UserRemoved(identity):
                connection.execute("DELETE FROM user_field WHERE person = ?", (identity,))
            case _:
                pass


def _mail_signature(metadata: MetaData) -> Table:
    return Table(
        "mail_signature",
        metadata,
        Column("id", Text, primary_key=True),
        Column("text", Text, nullable=False),
        Column("html", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _user_field(metadata: MetaData) -> Table:
    return Table(
        "user_field",
        metadata,
        Column("person", Text, primary_key=True),
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )
