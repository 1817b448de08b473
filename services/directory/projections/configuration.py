"""Applies events to the configuration in force; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy

from services.directory.domain.names import key_of, user_key
from services.directory.projections.aliases import ALIAS_FOLDS
from services.directory.projections.tables import directory_tables
from shared.events import directory as directory_events
from shared.events.bulk import UserHashRenewed
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class ConfigurationProjection:
    """Keeps domains, users, accounts, aliases and settings."""

    name = "configuration"
    version = 3

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = directory_tables(metadata)

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event)


def _domain_added(connection: Connection, event: directory_events.DomainAdded) -> None:
    connection.execute(
        "INSERT INTO domain (id, name, incoming, disabled, alias_of) VALUES (?, ?, ?, ?, '')",
        (event.id, event.name, event.incoming, False),
    )


def _domain_changed(connection: Connection, event: directory_events.DomainChanged) -> None:
    connection.execute(
        "UPDATE domain SET incoming = ?, disabled = ? WHERE id = ?", (event.incoming, event.disabled, event.id)
    )


def _domain_removed(connection: Connection, event: directory_events.DomainRemoved) -> None:
    connection.execute("DELETE FROM domain WHERE id = ?", (event.id,))
    connection.execute("DELETE FROM domain_value WHERE domain = ?", (event.id,))


def _domain_aliased(connection: Connection, event: directory_events.DomainAliased) -> None:
    connection.execute("UPDATE domain SET alias_of = ? WHERE id = ?", (event.domain, event.id))


def _domain_value_changed(connection: Connection, event: directory_events.DomainValueChanged) -> None:
    if not event.value:
        connection.execute("DELETE FROM domain_value WHERE domain = ? AND name = ?", (event.id, event.name))
        return
    connection.execute(
        "INSERT INTO domain_value (domain, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (domain, name) DO UPDATE SET value = excluded.value",
        (event.id, event.name, event.value),
    )


def _user_added(connection: Connection, event: directory_events.UserAdded) -> None:
    row = (event.id, event.name, user_key(event.name), event.password_hash, False)
    connection.execute("INSERT INTO person (id, name, key, password_hash, disabled) VALUES (?, ?, ?, ?, ?)", row)


def _password_changed(connection: Connection, event: directory_events.UserPasswordChanged | UserHashRenewed) -> None:
    connection.execute("UPDATE person SET password_hash = ? WHERE id = ?", (event.password_hash, event.id))


def _user_switched(connection: Connection, event: directory_events.UserSwitched) -> None:
    connection.execute("UPDATE person SET disabled = ? WHERE id = ?", (event.disabled, event.id))


def _user_removed(connection: Connection, event: directory_events.UserRemoved) -> None:
    connection.execute("DELETE FROM person WHERE id = ?", (event.id,))


def _account_added(connection: Connection, event: directory_events.AccountAdded) -> None:
    row = (
        event.id,
        event.address,
        key_of(event.address),
        _domain_of(event.address),
        event.user,
        event.quota_bytes,
        False,
    )
    connection.execute(
        "INSERT INTO account (id, address, key, domain, person, quota_bytes, quota_messages, disabled)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        row,
    )


def _account_changed(connection: Connection, event: directory_events.AccountChanged) -> None:
    connection.execute(
        "UPDATE account SET disabled = ?, quota_bytes = ? WHERE id = ?", (event.disabled, event.quota_bytes, event.id)
    )


def _message_quota_changed(connection: Connection, event: directory_events.AccountMessageQuotaChanged) -> None:
    connection.execute("UPDATE account SET quota_messages = ? WHERE id = ?", (event.quota_messages, event.id))


def _account_removed(connection: Connection, event: directory_events.AccountRemoved) -> None:
    connection.execute("DELETE FROM account WHERE id = ?", (event.id,))


def _setting_changed(connection: Connection, event: directory_events.SettingChanged) -> None:
    if not event.value:
        connection.execute("DELETE FROM setting WHERE name = ?", (event.name,))
        return
    connection.execute(
        "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (event.name, event.value),
    )


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2]


_FOLDS: dict[type, Callable[[Connection, Any], None]] = {
    directory_events.DomainAdded: _domain_added,
    directory_events.DomainChanged: _domain_changed,
    directory_events.DomainRemoved: _domain_removed,
    directory_events.DomainAliased: _domain_aliased,
    directory_events.DomainValueChanged: _domain_value_changed,
    directory_events.UserAdded: _user_added,
    directory_events.UserPasswordChanged: _password_changed,
    UserHashRenewed: _password_changed,
    directory_events.UserSwitched: _user_switched,
    directory_events.UserRemoved: _user_removed,
    directory_events.AccountAdded: _account_added,
    directory_events.AccountChanged: _account_changed,
    directory_events.AccountMessageQuotaChanged: _message_quota_changed,
    directory_events.AccountRemoved: _account_removed,
    **ALIAS_FOLDS,
    directory_events.SettingChanged: _setting_changed,
}
