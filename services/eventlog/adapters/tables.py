"""The tables of the log: facts by log id, what they are found by, and the names of their types."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, SmallInteger, Table, Text

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite keeps a table in the order of a column only when its type is spelt INTEGER."""


def log_tables(metadata: MetaData) -> None:
    """Declare them. Keys lie by day first: new ones fall close together, and a day that is too old goes as one piece."""
    Table(
        "fact", metadata,
        Column("id", _ROW_ID, primary_key=True, autoincrement=False),
        Column("type", SmallInteger, nullable=False), Column("lane", SmallInteger, nullable=False), Column("position", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False), Column("stream", Text, nullable=False), Column("version", BigInteger, nullable=False),
        Column("correlation", Text, nullable=False), Column("cause", Text, nullable=False), Column("command", Text, nullable=False),
        Column("actor", Text, nullable=False), Column("data", LargeBinary, nullable=False),
        Index("fact_position", "lane", "position", unique=True), Index("fact_by_type", "type", "id"),
    )  # fmt: skip
    Table(
        "fact_key", metadata,
        Column("day", Integer, nullable=False), Column("key", BigInteger, nullable=False), Column("id", BigInteger, nullable=False),
        PrimaryKeyConstraint("day", "key", "id"), sqlite_with_rowid=False,
    )  # fmt: skip
    Table("fact_type", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("name", Text, nullable=False, unique=True))
