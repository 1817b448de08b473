"""Applies the events of aliases to their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from services.directory.domain.names import key_of
from shared.events import directory as directory_events
from shared.eventstore.connection import Connection
from shared.routing.wildcards import WILDCARD

_INSERT = (
    "INSERT INTO alias (key, address, domain, targets, disabled, is_pattern, ends_at, ended, owners)"
    " VALUES (?, ?, ?, ?, ?, ?, 0, ?, '[]')"
)


def _added(connection: Connection, event: directory_events.AliasAdded) -> None:
    key = key_of(event.address)
    localpart, _, domain = event.address.rpartition("@")
    is_pattern = WILDCARD in localpart
    connection.execute(_INSERT, (key, event.address, domain, _json(event.targets), False, is_pattern, False))
    _insert_targets(connection, key, event.targets)


def _switched(connection: Connection, event: directory_events.AliasSwitched) -> None:
    connection.execute("UPDATE alias SET disabled = ? WHERE key = ?", (event.disabled, key_of(event.address)))


def _targets_changed(connection: Connection, event: directory_events.AliasTargetsChanged) -> None:
    key = key_of(event.address)
    connection.execute("UPDATE alias SET targets = ? WHERE key = ?", (_json(event.targets), key))
    connection.execute("DELETE FROM alias_target WHERE alias = ?", (key,))
    _insert_targets(connection, key, event.targets)


def _end_changed(connection: Connection, event: directory_events.AliasEndChanged) -> None:
    row = (event.ends_at, False, key_of(event.address))
    connection.execute("UPDATE alias SET ends_at = ?, ended = ? WHERE key = ?", row)


def _ended(connection: Connection, event: directory_events.AliasEnded) -> None:
    connection.execute("UPDATE alias SET ended = ? WHERE key = ?", (True, key_of(event.address)))


def _owners_changed(connection: Connection, event: directory_events.AliasOwnersChanged) -> None:
    connection.execute("UPDATE alias SET owners = ? WHERE key = ?", (_json(event.owners), key_of(event.address)))


def _removed(connection: Connection, event: directory_events.AliasRemoved) -> None:
    connection.execute("DELETE FROM alias WHERE key = ?", (key_of(event.address),))
    connection.execute("DELETE FROM alias_target WHERE alias = ?", (key_of(event.address),))


def _insert_targets(connection: Connection, key: str, targets: tuple[str, ...]) -> None:
    rows = [(key, target) for target in sorted({key_of(target) for target in targets})]
    connection.execute_many("INSERT INTO alias_target (alias, target) VALUES (?, ?)", rows)


def _json(texts: tuple[str, ...]) -> str:
    return msgspec.json.encode(texts).decode()


ALIAS_FOLDS: Mapping[type, Callable[[Connection, Any], None]] = {
    directory_events.AliasAdded: _added,
    directory_events.AliasSwitched: _switched,
    directory_events.AliasTargetsChanged: _targets_changed,
    directory_events.AliasEndChanged: _end_changed,
    directory_events.AliasEnded: _ended,
    directory_events.AliasOwnersChanged: _owners_changed,
    directory_events.AliasRemoved: _removed,
}
"""The fold of each type of event."""
