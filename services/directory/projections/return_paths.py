"""Applies events to the secrets of return paths; no other code changes their table."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from shared.events.return_paths import ReturnPathSecretAdded, ReturnPathSecretResealed, ReturnPathSecretRetired
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class ReturnPathProjection:
    """Keeps the secrets of return paths."""

    name = "return_paths"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "return_path_secret",
                metadata,
                Column("id", Text, primary_key=True),
                Column("secret", Text, nullable=False),
                Column("since", BigInteger, nullable=False),
                Column("replaced_at", BigInteger, nullable=False),
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ReturnPathSecretAdded(identity, secret):
                connection.execute(
                    "UPDATE return_path_secret SET replaced_at = ? WHERE replaced_at = 0", (recorded.at,)
                )
                connection.execute(
                    "INSERT INTO return_path_secret (id, secret, since, replaced_at) VALUES (?, ?, ?, 0)",
                    (identity, secret, recorded.at),
                )
            case ReturnPathSecretRetired(identity):
                connection.execute("DELETE FROM return_path_secret WHERE id = ?", (identity,))
            case ReturnPathSecretResealed(identity, secret):
                connection.execute("UPDATE return_path_secret SET secret = ? WHERE id = ?", (secret, identity))
            case _:
                pass
