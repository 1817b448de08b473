"""Applies events to the app passwords and applications in force; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text

from services.directory.domain.names import key_of
from shared.events import credentials
from shared.events.account_limits import ApplicationQuotaChanged
from shared.events.directory import UserRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

_INSERT_OF_USER = (
    "INSERT INTO app_password (id, person, name, secret_hash, scopes, networks, expires_at, expired, added_at,"
    " last_used_at, last_used_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')"
)
_INSERT_APPLICATION = (
    "INSERT INTO application (id, address, key, domain, secret_hash, receives, disabled, mails_an_hour, quota_bytes,"
    " quota_messages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)


class CredentialsProjection:
    """Keeps app passwords and applications."""

    name = "credentials"
    version = 2

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_app_password(metadata), _application(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event, recorded.at)


def _app_password(metadata: MetaData) -> Table:
    return Table(
        "app_password",
        metadata,
        Column("id", Text, primary_key=True),
        Column("person", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("secret_hash", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("networks", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("expired", Boolean, nullable=False),
        Column("added_at", BigInteger, nullable=False),
        Column("last_used_at", BigInteger, nullable=False),
        Column("last_used_from", Text, nullable=False),
        Index("app_password_person", "person"),
        Index("app_password_end", "expired", "expires_at"),
        sqlite_with_rowid=False,
    )


def _application(metadata: MetaData) -> Table:
    return Table(
        "application",
        metadata,
        Column("id", Text, primary_key=True),
        Column("address", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("domain", Text, nullable=False),
        Column("secret_hash", Text, nullable=False),
        Column("receives", Boolean, nullable=False),
        Column("disabled", Boolean, nullable=False),
        Column("mails_an_hour", BigInteger, nullable=False),
        Column("quota_bytes", BigInteger, nullable=False),
        Column("quota_messages", BigInteger, nullable=False),
        Index("application_key", "key", unique=True),
        Index("application_domain", "domain"),
        sqlite_with_rowid=False,
    )


def _password_added(connection: Connection, event: credentials.AppPasswordAdded, at: int) -> None:
    scopes, networks = _json(event.scopes), _json(event.networks)
    row = (event.id, event.user, event.name, event.secret_hash, scopes, networks, event.expires_at, False, at)
    connection.execute(_INSERT_OF_USER, row)


def _password_expired(connection: Connection, event: credentials.AppPasswordExpired, _at: int) -> None:
    connection.execute("UPDATE app_password SET expired = ? WHERE id = ?", (True, event.id))


def _password_removed(connection: Connection, event: credentials.AppPasswordRemoved, _at: int) -> None:
    connection.execute("DELETE FROM app_password WHERE id = ?", (event.id,))


def _password_used(connection: Connection, event: credentials.AppPasswordUsed, at: int) -> None:
    sql = "UPDATE app_password SET last_used_at = ?, last_used_from = ? WHERE id = ?"
    connection.execute(sql, (at, event.address, event.id))


def _user_removed(connection: Connection, event: UserRemoved, _at: int) -> None:
    connection.execute("DELETE FROM app_password WHERE person = ?", (event.id,))


def _application_added(connection: Connection, event: credentials.ApplicationAdded, _at: int) -> None:
    address, limit = event.address, event.mails_an_hour
    row = (event.id, address, key_of(address), _domain_of(address), event.secret_hash, event.receives, False, limit)
    connection.execute(_INSERT_APPLICATION, (*row, event.quota_bytes))


def _application_renamed(connection: Connection, event: credentials.ApplicationRenamed, _at: int) -> None:
    row = (event.address, key_of(event.address), _domain_of(event.address), event.id)
    connection.execute("UPDATE application SET address = ?, key = ?, domain = ? WHERE id = ?", row)


def _application_switched(connection: Connection, event: credentials.ApplicationSwitched, _at: int) -> None:
    connection.execute("UPDATE application SET disabled = ? WHERE id = ?", (event.disabled, event.id))


def _receiving_switched(connection: Connection, event: credentials.ApplicationReceivingSwitched, _at: int) -> None:
    connection.execute("UPDATE application SET receives = ? WHERE id = ?", (event.receives, event.id))


def _application_limited(connection: Connection, event: credentials.ApplicationLimited, _at: int) -> None:
    connection.execute("UPDATE application SET mails_an_hour = ? WHERE id = ?", (event.mails_an_hour, event.id))


def _quota_changed(connection: Connection, event: ApplicationQuotaChanged, _at: int) -> None:
    row = (event.quota_bytes, event.quota_messages, event.id)
    connection.execute("UPDATE application SET quota_bytes = ?, quota_messages = ? WHERE id = ?", row)


def _password_changed(connection: Connection, event: credentials.ApplicationPasswordChanged, _at: int) -> None:
    connection.execute("UPDATE application SET secret_hash = ? WHERE id = ?", (event.secret_hash, event.id))


def _application_removed(connection: Connection, event: credentials.ApplicationRemoved, _at: int) -> None:
    connection.execute("DELETE FROM application WHERE id = ?", (event.id,))


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def _json(texts: tuple[str, ...]) -> str:
    return msgspec.json.encode(texts).decode()


_FOLDS: dict[type, Callable[[Connection, Any, int], None]] = {
    credentials.AppPasswordAdded: _password_added,
    credentials.AppPasswordExpired: _password_expired,
    credentials.AppPasswordRemoved: _password_removed,
    credentials.AppPasswordUsed: _password_used,
    UserRemoved: _user_removed,
    credentials.ApplicationAdded: _application_added,
    credentials.ApplicationRenamed: _application_renamed,
    credentials.ApplicationSwitched: _application_switched,
    credentials.ApplicationReceivingSwitched: _receiving_switched,
    credentials.ApplicationLimited: _application_limited,
    ApplicationQuotaChanged: _quota_changed,
    credentials.ApplicationPasswordChanged: _password_changed,
    credentials.ApplicationRemoved: _application_removed,
}
