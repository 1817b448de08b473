"""Keeps the imports, and the streams of everything that ever had a name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from services.directory.domain.histories import name_of
from shared.events.bulk import ImportBegun, ImportEnded
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded


class BulkProjection:
    """Keeps imports and names, also of what was removed."""

    name = "bulk"
    version = 4

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[Table] = (_imports(metadata), _names(metadata))

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case ImportBegun(identity, digest):
                connection.execute(
                    "INSERT INTO directory_import (id, digest, begun_at, ended_at, objects, refused)"
                    " VALUES (?, ?, ?, 0, 0, 0)",
                    (identity, digest, recorded.at),
                )
            case ImportEnded(identity, objects, refused):
                connection.execute(
                    "UPDATE directory_import SET ended_at = ?, objects = ?, refused = ? WHERE id = ?",
                    (recorded.at, objects, refused, identity),
                )
            case event:
                named = name_of(event)
                if named is not None:
                    connection.execute(
                        "INSERT INTO former_name (kind, key, stream) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                        (*named, recorded.stream),
                    )


def _imports(metadata: MetaData) -> Table:
    return Table(
        "directory_import",
        metadata,
        Column("id", Text, primary_key=True),
        Column("digest", Text, nullable=False),
        Column("begun_at", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=False),
        Column("objects", BigInteger, nullable=False),
        Column("refused", BigInteger, nullable=False),
        Index("directory_import_digest", "digest", "ended_at"),
        sqlite_with_rowid=False,
    )


def _names(metadata: MetaData) -> Table:
    return Table(
        "former_name",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("stream", Text, primary_key=True),
        sqlite_with_rowid=False,
    )
