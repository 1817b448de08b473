"""Applies events to the keys of passwords, and to the mechanisms on offer; no other code changes these tables."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from shared.events.credentials import (
    ApplicationAdded,
    ApplicationPasswordChanged,
    ApplicationRemoved,
    AppPasswordAdded,
    AppPasswordExpired,
    AppPasswordRemoved,
)
from shared.events.directory import UserAdded, UserPasswordChanged, UserRemoved
from shared.events.verifiers import (
    MechanismsOffered,
    ScramKeysMade,
    ScramSaltChosen,
    ScramSecretMade,
    ScramSecretResealed,
)
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class VerifierProjection:
    """Keeps the secret, the salts and the keys of SCRAM, and the offer."""

    name = "verifiers"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "scram_secret",
                metadata,
                Column("id", Text, primary_key=True),
                Column("secret", Text, nullable=False),
            ),
            Table(
                "scram_salt",
                metadata,
                Column("owner", Text, primary_key=True),
                Column("salt", Text, nullable=False),
                Column("iterations", BigInteger, nullable=False),
            ),
            Table(
                "scram_keys",
                metadata,
                Column("credential", Text, primary_key=True),
                Column("owner", Text, nullable=False),
                Column("keys", Text, nullable=False),
                Index("scram_keys_owner", "owner"),
            ),
            Table(
                "former_scram_keys",
                metadata,
                Column("owner", Text, primary_key=True),
                Column("keys", Text, nullable=False),
            ),
            Table(
                "password_without_keys",
                metadata,
                Column("credential", Text, primary_key=True),
                Column("owner", Text, nullable=False),
                Index("password_without_keys_owner", "owner"),
            ),
            Table("offered_mechanism", metadata, Column("name", Text, primary_key=True)),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ScramSecretMade(identity, secret):
                _secret_made(connection, identity, secret)
            case ScramSecretResealed(identity, secret):
                connection.execute("UPDATE scram_secret SET secret = ? WHERE id = ?", (secret, identity))
            case ScramSaltChosen(owner, salt, iterations):
                row = (owner, salt, iterations)
                connection.execute("INSERT INTO scram_salt (owner, salt, iterations) VALUES (?, ?, ?)", row)
            case ScramKeysMade(owner, credential, keys):
                _keys_made(connection, owner, credential, keys)
            case MechanismsOffered(names):
                _offered(connection, names)
            case _:
                _password(connection, recorded)


def _secret_made(connection: Connection, identity: str, secret: str) -> None:
    """Take a secret; what was encrypted under one before it can be read no more, and is made again."""
    connection.execute("INSERT INTO password_without_keys (credential, owner) SELECT credential, owner FROM scram_keys")
    for table in ("scram_keys", "former_scram_keys", "scram_secret"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute("INSERT INTO scram_secret (id, secret) VALUES (?, ?)", (identity, secret))


def _keys_made(connection: Connection, owner: str, credential: str, keys: str) -> None:
    _forget(connection, credential)
    connection.execute(
        "INSERT INTO scram_keys (credential, owner, keys) VALUES (?, ?, ?)",
        (credential, owner, keys),
    )


def _offered(connection: Connection, names: Sequence[str]) -> None:
    connection.execute("DELETE FROM offered_mechanism")
    for name in names:
        connection.execute("INSERT INTO offered_mechanism (name) VALUES (?)", (name,))


def _password(connection: Connection, recorded: Recorded) -> None:
    """Note the passwords that have no keys yet, and remove the keys of those that open nothing any more.

    Another hash of the same password changes nothing here.
    """
    match recorded.event:
        case UserAdded(identity, _, password_hash) if password_hash:
            _without_keys(connection, identity, identity)
        case UserPasswordChanged(identity):
            _keep_former(connection, identity)
            _without_keys(connection, identity, identity)
        case AppPasswordAdded(identity, user):
            _without_keys(connection, identity, user)
        case ApplicationAdded(identity) | ApplicationPasswordChanged(identity):
            _without_keys(connection, identity, identity)
        case AppPasswordRemoved(identity) | AppPasswordExpired(identity):
            _forget(connection, identity)
        case UserRemoved(identity) | ApplicationRemoved(identity):
            for table in ("scram_keys", "scram_salt", "former_scram_keys", "password_without_keys"):
                connection.execute(f"DELETE FROM {table} WHERE owner = ?", (identity,))  # noqa: S608
        case _:
            pass


def _without_keys(connection: Connection, credential: str, owner: str) -> None:
    _forget(connection, credential)
    connection.execute("INSERT INTO password_without_keys (credential, owner) VALUES (?, ?)", (credential, owner))


def _forget(connection: Connection, credential: str) -> None:
    for table in ("scram_keys", "password_without_keys"):
        connection.execute(f"DELETE FROM {table} WHERE credential = ?", (credential,))  # noqa: S608


def _keep_former(connection: Connection, owner: str) -> None:
    """Keep the keys of the password before, by which a device that repeats it is known."""
    connection.execute("DELETE FROM former_scram_keys WHERE owner = ?", (owner,))
    connection.execute(
        "INSERT INTO former_scram_keys (owner, keys) SELECT owner, keys FROM scram_keys WHERE credential = ?", (owner,)
    )
