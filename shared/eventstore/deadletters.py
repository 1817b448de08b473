"""Dead letters: what could not be done, kept as facts of the consuming service until someone re-drives it. Nothing is
dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, Text

from shared.events.deadletters import DeadLetterBuried, DeadLetterRetried
from shared.eventstore.connection import Connection, Reader, Row
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.ids import Ids, Kind

_COLUMNS = "id, what, queue_id, error, attempts, at, payload, retried"
_STREAM = "deadletters"
Redrive = Callable[[bytes], Awaitable[None]]
"""Does the step again with the buried payload; raises when it fails again."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A step that could not be done."""

    id: str
    what: str
    """The step: a bus subject without its shard, or a follower's name."""
    queue_id: str
    error: str
    attempts: int
    at: int
    payload: bytes
    retried: bool


class NoSuchLetter(LookupError):
    """There is no dead letter with this id."""


class DeadLetterProjection:
    """The list, as rows of the consuming service's own SQL."""

    name = "deadletters"
    version = 1

    def __init__(self, metadata: sqlalchemy.MetaData) -> None:
        self.tables: Sequence[sqlalchemy.Table] = (
            Table(
                "dead_letter",
                metadata,
                Column("id", Text, primary_key=True),
                Column("what", Text, nullable=False),
                Column("queue_id", Text, nullable=False),
                Column("error", Text, nullable=False),
                Column("attempts", BigInteger, nullable=False),
                Column("at", BigInteger, nullable=False),
                Column("payload", LargeBinary, nullable=False),
                Column("retried", Boolean, nullable=False),
                sqlite_with_rowid=False,
            ),
        )

    def apply(self, connection: Connection, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, DeadLetterBuried):
            row = (event.id, event.what, event.queue_id, event.error, event.attempts, recorded.at, event.payload, False)
            connection.execute(f"INSERT INTO dead_letter ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608
        elif isinstance(event, DeadLetterRetried):
            connection.execute("UPDATE dead_letter SET retried = ? WHERE id = ?", (True, event.id))


class DeadLetters:
    """Buries, lists and re-drives one service's dead letters."""

    def __init__(self, store: EventStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._redrive: dict[str, Redrive] = {}

    def redriven_by(self, what: str, redrive: Redrive) -> None:
        """Say how a step is done again."""
        self._redrive[what] = redrive

    async def bury(self, what: str, queue_id: str, error: str, attempts: int, payload: bytes, why: Provenance) -> str:
        """Keep what could not be done; its id. Durable when it returns."""
        letter_id = self._ids.new(Kind.DEAD_LETTER)
        letter = DeadLetterBuried(
            id=letter_id, what=what, queue_id=queue_id, error=error[:2000], attempts=attempts, payload=payload
        )
        await self._store.write(lambda transaction: transaction.append(_STREAM, [letter], why))
        return letter.id

    async def waiting(self, *, include_retried: bool = False) -> list[DeadLetter]:
        """The list, oldest first."""
        where = "" if include_retried else " WHERE NOT retried"
        rows = await self._store.read(
            lambda reader: reader.all(f"SELECT {_COLUMNS} FROM dead_letter{where} ORDER BY id")  # noqa: S608
        )
        return [_letter(row) for row in rows]

    async def show(self, letter_id: str) -> DeadLetter:
        """One letter. Raises NoSuchLetter."""

        def ask(reader: Reader) -> Row | None:
            return reader.one(f"SELECT {_COLUMNS} FROM dead_letter WHERE id = ?", (letter_id,))  # noqa: S608

        row = await self._store.read(ask)
        if row is None:
            raise NoSuchLetter(letter_id)
        return _letter(row)

    async def retry(self, letter_id: str, why: Provenance) -> DeadLetter:
        """Do the step again; it leaves the list only when that succeeds. Raises NoSuchLetter, or what the step raises."""
        letter = await self.show(letter_id)
        await self._redrive[letter.what](letter.payload)
        done = DeadLetterRetried(id=letter_id, queue_id=letter.queue_id)
        await self._store.write(lambda transaction: transaction.append(_STREAM, [done], why))
        return await self.show(letter_id)


def _letter(row: Row) -> DeadLetter:
    identity, what, queue_id, error, attempts, at, payload, retried = row
    return DeadLetter(identity, what, queue_id, error, attempts, at, bytes(payload), bool(retried))
