"""What the OpenSearch engine notes about an account: the bookkeeping of all engines, and which documents are whose.

A file has an epoch of its own. When it is lost, another one begins with another epoch, so documents that OpenSearch
still has of the lost one never answer, and are deleted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import apsw
import numpy as np

from services.indexer.adapters.account_file import OtherFile
from services.indexer.adapters.bookkeeping import BOOKKEEPING, Bookkeeping, NotedMailbox
from services.indexer.adapters.fetched import fetched
from services.indexer.domain.engine import Batch, IndexState
from services.indexer.domain.places import NONE, MailboxPlaces, Numbers, as_numbers

NOTES_VERSION = 1
SCHEMA = (
    BOOKKEEPING
    + "CREATE TABLE origin(epoch TEXT NOT NULL, identity TEXT NOT NULL);"
    + "INSERT INTO origin VALUES(lower(hex(randomblob(8))), '');"
    + "CREATE TABLE size(document INTEGER PRIMARY KEY, octets INTEGER NOT NULL, attached INTEGER NOT NULL);"
)
_VERSION = "version"
TEXT_OCTETS = "text_octets"


class WritePlan(NamedTuple):
    """New documents by their key, the version of the write, and the epoch that they are of."""

    numbers: Mapping[bytes, int]
    version: int
    epoch: str


class AddedTexts(NamedTuple):
    """What became of a planned write."""

    planned: WritePlan
    octets: Mapping[int, int]
    """Octets of the texts by document."""
    refused: Sequence[int]
    """Documents that OpenSearch will never take."""


class NotedPlaces(NamedTuple):
    """The places of a mailbox within bounds, and the UIDs there that could not be read."""

    epoch: str
    first: int
    last: int
    places: MailboxPlaces
    missing: Numbers


class TextSize(NamedTuple):
    """Octets of the texts of a document, and of the text of its attachments."""

    octets: int
    attached: int


def check_origin(connection: apsw.Connection, identity: str) -> None:
    """Raises OtherFile when the notes are about another index than the one with this id."""
    ((noted,),) = fetched(connection, "SELECT identity FROM origin")
    if noted not in ("", identity):
        raise OtherFile("its index in OpenSearch was replaced")


def belong(connection: apsw.Connection, identity: str) -> bool:
    """Note which index the notes are about; whether they were begun just now. Raises OtherFile."""
    check_origin(connection, identity)
    connection.execute("UPDATE origin SET identity = ? WHERE identity = ''", (identity,))
    return bool(connection.changes())


def epoch_of(connection: apsw.Connection) -> str:
    """The epoch of the file."""
    return str(fetched(connection, "SELECT epoch FROM origin")[0][0])


def next_version(connection: apsw.Connection) -> int:
    """A version for writes, higher than all before; it is a time too, in case the last commits were lost."""
    notes = Bookkeeping(connection)
    version = max(notes.counter(_VERSION) + 1, time.time_ns() // 1000)
    notes.note(_VERSION, version)
    return version


def origin_of_write(connection: apsw.Connection) -> tuple[str, int]:
    """The epoch of the file, and a version for a write."""
    return epoch_of(connection), next_version(connection)


def plan(connection: apsw.Connection, batch: Batch) -> WritePlan:
    """Which documents of a batch are new, and the numbers that `enter` will give them. Raises IndexUnavailable."""
    _, entries = Bookkeeping(connection).fresh(batch)
    new = _new_keys(connection, batch, entries)
    rows = fetched(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'document'")
    last = rows[0][0] if rows else 0
    numbers = {key: last + index for index, key in enumerate(new, 1)}
    return WritePlan(numbers, next_version(connection), epoch_of(connection))


def _new_keys(connection: apsw.Connection, batch: Batch, entries: Sequence[tuple[int, bytes]]) -> list[bytes]:
    keys = list(dict.fromkeys(key for _, key in entries))
    known = Bookkeeping(connection).documents(keys)
    return [key for key in keys if key not in known and key in batch.documents]


def enter(connection: apsw.Connection, batch: Batch, added: AddedTexts) -> None:
    """Note a batch whose documents are in the index, but for those that were refused: these are read."""
    notes = Bookkeeping(connection)
    mailbox, entries = notes.fresh(batch)
    planned = added.planned.numbers
    if notes.new_documents(planned) != planned:
        raise OtherFile("documents have other numbers than they had in the index")
    notes.forget(added.refused)
    octets = {number: size for number, size in added.octets.items() if number not in added.refused}
    connection.executemany("INSERT INTO size VALUES(?, ?, 0)", octets.items())
    notes.count(TEXT_OCTETS, sum(octets.values()))
    notes.await_attachments({planned[key]: blob for key, blob in batch.awaiting.items() if planned.get(key) in octets})
    numbers = notes.documents(list(dict.fromkeys(key for _, key in entries)))
    places = [(uid, numbers[key]) for uid, key in entries if key in numbers]
    notes.enter(mailbox, places, batch, [uid for uid, key in entries if key not in numbers])


def noted_places(connection: apsw.Connection, mailbox: str, bounds: tuple[int, int]) -> NotedPlaces | None:
    """The places to answer for; None when nothing is covered."""
    notes = Bookkeeping(connection)
    noted: NotedMailbox | None = notes.mailbox(mailbox)
    first, last = bounds[0], min(bounds[1], noted.reached if noted else 0)
    if noted is None or first > last:
        return None
    places = notes.places(noted.id).between(first, last)
    return NotedPlaces(epoch_of(connection), first, last, places, notes.missing(noted.id))


def sizes(connection: apsw.Connection, documents: Sequence[int]) -> dict[int, TextSize]:
    """The sizes of at most 500 documents."""
    marks = ",".join("?" * len(documents))
    query = f"SELECT document, octets, attached FROM size WHERE document IN ({marks})"  # noqa: S608
    return {number: TextSize(octets, attached) for number, octets, attached in fetched(connection, query, documents)}


def attached(connection: apsw.Connection, octets: Mapping[int, int]) -> None:
    """Note that documents have their attachments, and how many octets those have."""
    notes = Bookkeeping(connection)
    for number, size in octets.items():
        before = sizes(connection, [number]).get(number)
        if before is not None:
            notes.count(TEXT_OCTETS, size - before.attached)
            connection.execute("UPDATE size SET attached = ? WHERE document = ?", (size, number))
    notes.extracted(octets)


def forget(connection: apsw.Connection, documents: Sequence[int]) -> None:
    """Forget documents that are no longer in the index."""
    notes = Bookkeeping(connection)
    for number in documents:
        rows = fetched(connection, "DELETE FROM size WHERE document = ? RETURNING octets + attached", (number,))
        notes.count(TEXT_OCTETS, -sum(octets for (octets,) in rows))
    notes.forget(documents)


def noted_documents(connection: apsw.Connection, mailboxes: Sequence[str] = ()) -> tuple[str, Numbers]:
    """The epoch, and the documents in mailboxes, ascending; no mailboxes means all documents."""
    epoch = epoch_of(connection)
    if not mailboxes:
        rows = fetched(connection, "SELECT id FROM document ORDER BY id")
        return epoch, as_numbers([number for (number,) in rows])
    notes = Bookkeeping(connection)
    chosen = [number for number, name in notes.mailboxes().items() if name in set(mailboxes)]
    return epoch, np.unique(np.concatenate([NONE, *(notes.places(number).documents for number in chosen)]))


def state(connection: apsw.Connection, octets: int) -> IndexState:
    """How much is noted."""
    notes = Bookkeeping(connection)
    return IndexState(
        notes.rows("document"),
        notes.placed(),
        notes.rows("unread"),
        notes.awaited(),
        octets,
        notes.counter(TEXT_OCTETS),
    )
