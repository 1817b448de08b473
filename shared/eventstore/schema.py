"""The tables of every owning service. Its projections add their own to the same metadata."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

SCHEMA_VERSION = 1


def store_tables(metadata: MetaData) -> None:
    """Declare the event store's tables in `metadata`."""
    _log_tables(metadata)
    _state_tables(metadata)


def _log_tables(metadata: MetaData) -> None:
    """The tables of events, and of the events folded into snapshots.

    In SQLite these tables keep their row ids, unlike tables with short rows: without row ids a row is stored in the
    tree of its key, and each step of a look-up reads the whole row with its data (docs/adr/0006).
    """
    Table(
        "event",
        metadata,
        Column("shard", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("stream", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("schema", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("cause", Text, nullable=False),
        Column("correlation", Text, nullable=False),
        Column("command", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        PrimaryKeyConstraint("shard", "position"),
        Index("event_stream_version", "stream", "version", unique=True),
        # Most events answer no command. A query must have the same condition, or the index is not used.
        Index("event_command", "command", sqlite_where=text("command <> ''"), postgresql_where=text("command <> ''")),
    )
    Table(
        "snapshot",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("shard", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("schema", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )


def _state_tables(metadata: MetaData) -> None:
    """The tables with the state of streams, shards, followers and projections, and with the lease."""
    Table(
        "stream",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("shard", Integer, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    Table(
        "cursor",
        metadata,
        Column("name", Text),
        Column("shard", Integer),
        Column("position", BigInteger, nullable=False),
        PrimaryKeyConstraint("name", "shard"),
        sqlite_with_rowid=False,
    )
    Table(
        "lease",
        metadata,
        Column("shard", Integer, primary_key=True, autoincrement=False),
        Column("holder", Text, nullable=False),
        Column("fence", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
    )
    Table(
        "projection",
        metadata,
        Column("name", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    Table(
        "head",
        metadata,
        Column("shard", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
    )


def make_anew(engine: Engine, tables: Sequence[Table]) -> None:
    """Replace tables of another release by empty ones with the columns of this release."""
    for table in tables:
        table.drop(engine, checkfirst=True)
        table.create(engine)
