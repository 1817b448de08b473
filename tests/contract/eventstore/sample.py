"""A small domain to try event stores on: purses, what they hold, and their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from shared.eventstore.connection import Connection, Reader
from shared.eventstore.event import Actor, Event, Provenance, Recorded, stored, upcast

PROVENANCE = Provenance(Actor("account", "a1", session="s1"), cause="ingress.3.7", correlation="q1")


@stored("purse.filled")
class Filled(Event, frozen=True):
    """Coins went in."""

    purse: str
    coins: int
    note: bytes = b""


@stored("purse.emptied", schema=2)
class Emptied(Event, frozen=True):
    """Coins were taken out. Schema 1 had no reason."""

    purse: str
    reason: str


@stored("purse.poured")
class Poured(Event, frozen=True):
    """All coins of a purse went into another."""

    purse: str
    target: str


@stored("purse.kept")
class Kept(Event, frozen=True):
    """A snapshot of a purse."""

    purse: str
    coins: int
    times: int
    note: bytes


@upcast("purse.emptied", 1)
def _with_reason(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "reason": "unknown"}


class Refused(Exception):
    """Raised by a unit of work of these tests."""


class Purses:
    """How many coins each purse holds, and how often it was filled. The second version has one more column."""

    name = "purses"
    tables: Sequence[Table]

    def __init__(self, metadata: sqlalchemy.MetaData, version: int = 1) -> None:
        self.version = version
        self.tables = (
            Table(
                "purse",
                metadata,
                Column("purse", Text, primary_key=True),
                Column("coins", BigInteger, nullable=False),
                Column("times", BigInteger, nullable=False),
                Column("note", LargeBinary, nullable=False),
                *([Column("weight", BigInteger, nullable=False, server_default="7")] if version > 1 else []),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, Filled):
            self._fill(connection, event)
        elif isinstance(event, Emptied):
            connection.execute(
                "UPDATE purse SET coins = 0, note = ? WHERE purse = ?", (event.reason.encode(), event.purse)
            )
        elif isinstance(event, Poured):
            self._pour(connection, event)
        elif isinstance(event, Kept):
            connection.execute(
                "INSERT INTO purse (purse, coins, times, note) VALUES (?, ?, ?, ?)",
                (event.purse, event.coins, event.times, event.note),
            )

    def _pour(self, connection: Connection, event: Poured) -> None:
        row = connection.first_row("SELECT coins FROM purse WHERE purse = ?", (event.purse,))
        connection.execute("DELETE FROM purse WHERE purse = ?", (event.purse,))
        if row is not None:
            connection.execute("UPDATE purse SET coins = coins + ? WHERE purse = ?", (row[0], event.target))

    def _fill(self, connection: Connection, event: Filled) -> None:
        if event.coins < 0:
            raise Refused("no purse holds less than nothing")
        # The second version of this projection counts twice, so the same events give other rows.
        coins = event.coins * self.version
        changed = connection.execute(
            "UPDATE purse SET coins = coins + ?, times = times + 1, note = ? WHERE purse = ?",
            (coins, event.note, event.purse),
        )
        if not changed:
            connection.execute(
                "INSERT INTO purse (purse, coins, times, note) VALUES (?, ?, 1, ?)", (event.purse, coins, event.note)
            )


def capture(reader: Reader, stream: str) -> Kept:
    """The snapshot of a purse."""
    row = reader.first_row("SELECT purse, coins, times, note FROM purse WHERE purse = ?", (stream,))
    assert row is not None
    return Kept(row[0], row[1], row[2], bytes(row[3]))


def purses(reader: Reader) -> list[tuple[Any, ...]]:
    """Every row of the projection."""
    rows = reader.all("SELECT purse, coins, times, note FROM purse ORDER BY purse")
    return [(*row[:3], bytes(row[3])) for row in rows]


def events(reader: Reader) -> list[tuple[Any, ...]]:
    """Every row of the log, in order."""
    columns = "shard, position, stream, version, type, schema, at, cause, correlation, command, actor, data"
    return [(*row[:11], bytes(row[11])) for row in reader.all(f"SELECT {columns} FROM event ORDER BY shard, position")]
