"""The table of lessons in force: one row for each message about which an account has an opinion."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

from shared.events.spam import LessonForgotten, LessonLearned
from shared.eventstore.connection import Connection
from shared.eventstore.event import Recorded

NONE = "none"
_decoder = msgspec.msgpack.Decoder(tuple[bytes, ...])
_PUT = (
    "INSERT INTO lesson (account, content, label, tokenizer, features, at, version) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, content) DO UPDATE SET label = excluded.label, tokenizer = excluded.tokenizer, features = "
    "excluded.features,"
    " at = excluded.at, version = excluded.version"
)


class LessonProjection:
    """Keeps the lessons in force, in the order in which they were taught."""

    name = "lessons"
    version = 1

    def __init__(self, metadata: MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "lesson",
                metadata,
                Column("account", Text, nullable=False),
                Column("content", Text, nullable=False),
                Column("label", Text, nullable=False),
                Column("tokenizer", Integer, nullable=False),
                Column("features", LargeBinary, nullable=False),
                Column("at", BigInteger, nullable=False),
                Column("version", BigInteger, nullable=False),
                PrimaryKeyConstraint("account", "content"),
                Index("lesson_order", "at", "account", "version"),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        match recorded.event:
            case LessonLearned() as learned if learned.label != NONE:
                row = (
                    learned.account,
                    learned.content,
                    learned.label,
                    learned.tokenizer,
                    pack(learned.features),
                    recorded.at,
                    recorded.version,
                )
                connection.execute(_PUT, row)
            case LessonLearned(account, content) | LessonForgotten(account, content):
                connection.execute("DELETE FROM lesson WHERE account = ? AND content = ?", (account, content))
            case _:
                pass


def pack(features: tuple[bytes, ...]) -> bytes:
    """A lesson's features as its row keeps them."""
    return msgspec.msgpack.encode(features)


def unpack(row: bytes) -> tuple[bytes, ...]:
    """A lesson's features from its row."""
    return _decoder.decode(row)
