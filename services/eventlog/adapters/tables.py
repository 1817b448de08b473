"""The tables of the event log.

They are the events by log id, the keys, the names of event types, and the position reached in each origin. A table
keeps the name that it had in the first release: `lane` holds origins.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""The type of a row id. SQLite keeps a table in the order of a column only when its type is spelt INTEGER."""


def log_tables(metadata: MetaData) -> None:
    """Declare the tables.

    A single index of keys would change a page for each key, which was two thirds of the log's work when measured. So
    keys are appended to `fact_fresh`, and when there are many they are sorted once into a segment of `fact_key`, which
    never changes again.
    """
    _events(metadata)
    _keys(metadata)
    _origins(metadata)
    _copies(metadata)


def _events(metadata: MetaData) -> None:
    Table(
        "fact",
        metadata,
        Column("id", _ROW_ID, primary_key=True, autoincrement=False),
        Column("type", SmallInteger, nullable=False),
        Column("lane", SmallInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("stream", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("correlation", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("command", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Index("fact_by_type", "type", "id"),
    )
    Table(
        "fact_type",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False, unique=True),
    )


def _keys(metadata: MetaData) -> None:
    Table("fact_fresh", metadata, Column("key", BigInteger, nullable=False), Column("id", BigInteger, nullable=False))
    Table(
        "fact_key",
        metadata,
        Column("segment", Integer, nullable=False),
        Column("key", BigInteger, nullable=False),
        Column("id", BigInteger, nullable=False),
        PrimaryKeyConstraint("segment", "key", "id"),
        sqlite_with_rowid=False,
    )
    Table(
        "segment",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
    )


def _origins(metadata: MetaData) -> None:
    Table(
        "lane",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
    )


def _copies(metadata: MetaData) -> None:
    """What OpenSearch does not have yet, and what it must forget. Both stay empty where the log is only embedded."""
    for name in ("fact_unsent", "fact_unforgotten"):
        Table(name, metadata, Column("id", _ROW_ID, primary_key=True, autoincrement=False))
    Table("copy_state", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))
