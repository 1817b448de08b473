"""Applies events to the DKIM keys and relays in force; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text

from shared.events import sending
from shared.events.directory import DomainRemoved
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class SendingProjection:
    """Keeps DKIM keys and relays."""

    name = "sending"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (_dkim_key(metadata), _relay(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        fold = _FOLDS.get(type(recorded.event))
        if fold is not None:
            fold(connection, recorded.event, recorded.at)


def _dkim_key(metadata: MetaData) -> Table:
    return Table(
        "dkim_key",
        metadata,
        Column("id", Text, primary_key=True),
        Column("domain", Text, nullable=False),
        Column("selector", Text, nullable=False),
        Column("algorithm", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("private_key", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("published", Boolean, nullable=False),
        Column("since", BigInteger, nullable=False),
        Index("dkim_key_domain", "domain"),
    )


def _relay(metadata: MetaData) -> Table:
    return Table(
        "relay",
        metadata,
        Column("domain", Text, primary_key=True),
        Column("preset", Text, nullable=False),
        Column("host", Text, nullable=False),
        Column("port", Integer, nullable=False),
        Column("tls", Text, nullable=False),
        Column("log_in", Text, nullable=False),
        Column("password", Text, nullable=False),
        Column("signatures", Text, nullable=False),
        Column("connections", Integer, nullable=False),
        Column("messages_per_minute", Integer, nullable=False),
        Column("recipients_per_message", Integer, nullable=False),
        Column("accepts_null_reverse_path", Boolean, nullable=True),
    )


def _key_added(connection: Connection, event: sending.DkimKeyAdded, at: int) -> None:
    connection.execute(
        "INSERT INTO dkim_key (id, domain, selector, algorithm, record, private_key, state, published, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.id,
            event.domain,
            event.selector,
            event.algorithm,
            event.record,
            event.private_key,
            "signing" if event.signs else "new",
            False,
            at,
        ),
    )


def _record_checked(connection: Connection, event: sending.DkimRecordChecked, _at: int) -> None:
    connection.execute("UPDATE dkim_key SET published = ? WHERE id = ?", (event.published, event.id))


def _key_activated(connection: Connection, event: sending.DkimKeyActivated, at: int) -> None:
    connection.execute("UPDATE dkim_key SET state = ?, since = ? WHERE id = ?", ("signing", at, event.id))
    for replaced in event.replaced:
        connection.execute("UPDATE dkim_key SET state = ?, since = ? WHERE id = ?", ("former", at, replaced))


def _key_retired(connection: Connection, event: sending.DkimKeyRetired, _at: int) -> None:
    connection.execute("DELETE FROM dkim_key WHERE id = ?", (event.id,))


def _key_resealed(connection: Connection, event: sending.DkimKeyResealed, _at: int) -> None:
    connection.execute("UPDATE dkim_key SET private_key = ? WHERE id = ?", (event.private_key, event.id))


def _relay_set(connection: Connection, event: sending.RelaySet, _at: int) -> None:
    connection.execute("DELETE FROM relay WHERE domain = ?", (event.domain,))
    connection.execute(
        "INSERT INTO relay (domain, preset, host, port, tls, log_in, password, signatures, connections,"
        " messages_per_minute, recipients_per_message, accepts_null_reverse_path)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.domain,
            event.preset,
            event.host,
            event.port,
            event.tls,
            event.user,
            event.password,
            event.signatures,
            event.connections,
            event.messages_per_minute,
            event.recipients_per_message,
            event.accepts_null_reverse_path,
        ),
    )


def _relay_removed(connection: Connection, event: sending.RelayRemoved, _at: int) -> None:
    connection.execute("DELETE FROM relay WHERE domain = ?", (event.domain,))


def _password_resealed(connection: Connection, event: sending.RelayPasswordResealed, _at: int) -> None:
    connection.execute("UPDATE relay SET password = ? WHERE domain = ?", (event.password, event.domain))


def _domain_removed(connection: Connection, event: DomainRemoved, _at: int) -> None:
    connection.execute("DELETE FROM dkim_key WHERE domain = ?", (event.id,))
    connection.execute("DELETE FROM relay WHERE domain = ?", (event.id,))


_FOLDS: dict[type, Callable[[Connection, Any, int], None]] = {
    sending.DkimKeyAdded: _key_added,
    sending.DkimRecordChecked: _record_checked,
    sending.DkimKeyActivated: _key_activated,
    sending.DkimKeyRetired: _key_retired,
    sending.DkimKeyResealed: _key_resealed,
    sending.RelaySet: _relay_set,
    sending.RelayRemoved: _relay_removed,
    sending.RelayPasswordResealed: _password_resealed,
    DomainRemoved: _domain_removed,
}
