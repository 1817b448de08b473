"""Dead letters: failed steps, kept as events of the service that did the step until a later attempt succeeds.

There is one dead letter for each step of a mail, however often the step fails. A payload without a queue id has one as
well: the same payload again is the same dead letter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, Text

from shared.events.deadletters import (
    DeadLetterBuried,
    DeadLetterFailedAgain,
    DeadLetterResolved,
    DeadLetterRetried,
)
from shared.eventstore.connection import Connection, Reader, Row
from shared.eventstore.event import Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

_LISTED = "id, what, queue_id, error, attempts, at, retried"
_INSERT = (
    "INSERT INTO dead_letter (id, what, queue_id, error, attempts, at, payload, retried)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SAME = "SELECT id FROM dead_letter WHERE what = ? AND queue_id = ? AND NOT retried"
_OF_MAIL = "SELECT id, what FROM dead_letter WHERE queue_id = ? AND NOT retried"
_STREAM = "deadletters"
_ERROR_LENGTH = 2000
_MOST_LISTED = 10_000
Redrive = Callable[[bytes], Awaitable[None]]
"""Does the step again with the stored payload; raises when it fails again."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A failed step. In lists the payload is left out."""

    id: str
    what: str
    """The step: a bus subject without its shard, or the name of a follower."""
    queue_id: str
    error: str
    """The last error."""
    attempts: int
    at: int
    """When it was recorded, in UTC microseconds."""
    retried: bool
    """Whether the step was done afterwards, on demand or by a later attempt."""
    payload: bytes = b""


class NoSuchDeadLetter(LookupError):
    """There is no dead letter with this id."""


class DeadLetterProjection:
    """Keeps the list of dead letters in the service's own database."""

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
        match recorded.event:
            case DeadLetterBuried() as event:
                row = (event.id, event.what, event.queue_id, event.error, event.attempts, recorded.at, event.payload)
                connection.execute(_INSERT, (*row, False))
            case DeadLetterFailedAgain() as event:
                connection.execute(
                    "UPDATE dead_letter SET error = ?, attempts = attempts + ? WHERE id = ?",
                    (event.error, event.attempts, event.id),
                )
            case DeadLetterResolved(id=dead_letter_id) | DeadLetterRetried(id=dead_letter_id):
                connection.execute("UPDATE dead_letter SET retried = ? WHERE id = ?", (True, dead_letter_id))
            case _:
                pass


class DeadLetters:
    """Records, lists, resolves and retries the dead letters of one service."""

    def __init__(self, store: EventStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._redrive: dict[str, Redrive] = {}
        self._open: set[tuple[str, str]] = set()
        """(step, queue id) of open dead letters, some 150 octets each. It is asked at every success, so it must not
        cost a statement."""

    async def load(self) -> None:
        """Load the open dead letters after a start."""
        rows = await self._store.read(
            lambda reader: reader.all("SELECT what, queue_id FROM dead_letter WHERE NOT retried AND queue_id <> ''")
        )
        self._open = {(what, queue_id) for what, queue_id in rows}

    def redriven_by(self, what: str, redrive: Redrive) -> None:
        """Register how a step is retried."""
        self._redrive[what] = redrive

    @property
    def any_open(self) -> bool:
        """Whether this step of any mail has an open dead letter."""
        return bool(self._open)

    def is_open(self, what: str, queue_id: str) -> bool:
        """Whether this step of this mail has an open dead letter."""
        return (what, queue_id) in self._open

    def holds(self, queue_id: str) -> bool:
        """Whether any step of this mail has an open dead letter."""
        return bool(self._open) and any((what, queue_id) in self._open for what in self._redrive)

    async def bury(
        self, what: str, queue_id: str, error: str, attempts: int, payload: bytes, provenance: Provenance
    ) -> str:
        """Record a failed step; returns the id of its dead letter.

        When the step already has one, the attempts are added and the new error is stored. It is durable when this
        returns.
        """

        def work(transaction: Transaction) -> str:
            dead_letter_id = _same(transaction, what, queue_id, payload)
            if dead_letter_id:
                again = DeadLetterFailedAgain(dead_letter_id, queue_id, error[:_ERROR_LENGTH], attempts)
                transaction.append(_STREAM, [again], provenance)
                return dead_letter_id
            new_id = self._ids.new(IdKind.DEAD_LETTER)
            buried = DeadLetterBuried(new_id, what, queue_id, error[:_ERROR_LENGTH], attempts, payload)
            transaction.append(_STREAM, [buried], provenance)
            return new_id

        dead_letter_id = await self._store.write(work)
        if queue_id:
            self._open.add((what, queue_id))
        return dead_letter_id

    async def resolve(self, queue_id: str, reason: str, provenance: Provenance, what: str = "") -> list[str]:
        """Resolve the dead letters of a mail, for one step or all; returns their ids."""

        def work(transaction: Transaction) -> list[str]:
            rows = transaction.all(_OF_MAIL, (queue_id,))
            dead_letter_ids = [dead_letter_id for dead_letter_id, step in rows if what in ("", step)]
            transaction.append(
                _STREAM,
                [DeadLetterResolved(dead_letter_id, queue_id, reason) for dead_letter_id in dead_letter_ids],
                provenance,
            )
            return dead_letter_ids

        resolved = await self._store.write(work)
        self._open = {key for key in self._open if key[1] != queue_id or what not in ("", key[0])}
        return resolved

    async def count(self) -> int:
        """The number of open dead letters."""
        row = await self._store.read(
            lambda reader: reader.first_row("SELECT count(*) FROM dead_letter WHERE NOT retried")
        )
        return int(row[0]) if row else 0

    async def waiting(
        self, *, include_retried: bool = False, after: str = "", limit: int = _MOST_LISTED
    ) -> list[DeadLetter]:
        """The list after the id `after`, oldest first, without payloads."""
        where = "" if include_retried else " AND NOT retried"
        sql = f"SELECT {_LISTED} FROM dead_letter WHERE id > ?{where} ORDER BY id LIMIT ?"  # noqa: S608
        rows = await self._store.read(lambda reader: reader.all(sql, (after, limit)))
        return [_dead_letter_from(row) for row in rows]

    async def of_step(self, what: str, queue_id: str) -> DeadLetter | None:
        """The open dead letter for this step of this mail, or None."""
        sql = f"SELECT {_LISTED} FROM dead_letter WHERE what = ? AND queue_id = ? AND NOT retried"  # noqa: S608
        row = await self._store.read(lambda reader: reader.first_row(sql, (what, queue_id)))
        return _dead_letter_from(row) if row else None

    async def show(self, dead_letter_id: str) -> DeadLetter:
        """One dead letter with its payload. Raises NoSuchDeadLetter."""

        def ask(reader: Reader) -> Row | None:
            return reader.first_row(f"SELECT {_LISTED}, payload FROM dead_letter WHERE id = ?", (dead_letter_id,))  # noqa: S608

        row = await self._store.read(ask)
        if row is None:
            raise NoSuchDeadLetter(dead_letter_id)
        return _dead_letter_from(row)

    async def retry(self, dead_letter_id: str, provenance: Provenance) -> DeadLetter:
        """Do the step again; only success removes the dead letter from the list.

        Raises NoSuchDeadLetter, or the error of the step.
        """
        dead_letter = await self.show(dead_letter_id)
        try:
            await self._redrive[dead_letter.what](dead_letter.payload)
        except Exception as error:
            await self._failed_again(dead_letter, error, provenance)
            raise
        done = DeadLetterRetried(id=dead_letter_id, queue_id=dead_letter.queue_id)
        await self._store.write(lambda transaction: transaction.append(_STREAM, [done], provenance))
        self._open.discard((dead_letter.what, dead_letter.queue_id))
        return await self.show(dead_letter_id)

    async def _failed_again(self, dead_letter: DeadLetter, error: Exception, provenance: Provenance) -> None:
        again = DeadLetterFailedAgain(dead_letter.id, dead_letter.queue_id, repr(error)[:_ERROR_LENGTH], 1)
        await self._store.write(lambda transaction: transaction.append(_STREAM, [again], provenance))


def _same(transaction: Transaction, what: str, queue_id: str, payload: bytes) -> str:
    """The id of the open dead letter for the same step; empty when there is none."""
    if queue_id:
        row = transaction.first_row(_SAME, (what, queue_id))
    else:
        row = transaction.first_row(f"{_SAME} AND payload = ?", (what, queue_id, payload))
    return row[0] if row else ""


def _dead_letter_from(row: Row) -> DeadLetter:
    dead_letter_id, what, queue_id, error, attempts, at, retried, *payload = row
    return DeadLetter(dead_letter_id, what, queue_id, error, attempts, at, bool(retried), *map(bytes, payload))
