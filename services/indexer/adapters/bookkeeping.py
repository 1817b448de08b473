"""What an engine notes about an account beside the texts: mailboxes, places, documents, and what is still to be done.

The notes are in an SQLite file of the account. A document is known by a number which is never used again, so that an
old entry of a text index never meets another text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import apsw

from services.indexer.adapters.fetched import fetched
from services.indexer.domain.engine import Batch, IndexUnavailable
from services.indexer.domain.places import (
    NONE,
    NOWHERE,
    MailboxPlaces,
    Numbers,
    among,
    as_numbers,
    members,
    merged,
    packed_runs,
    unpacked,
)
from shared.protocol.imap.ranges import Ranges

BOOKKEEPING = """
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mailbox(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, reached INTEGER NOT NULL);
CREATE TABLE place(
    mailbox INTEGER NOT NULL, first_uid INTEGER NOT NULL, runs BLOB NOT NULL, PRIMARY KEY(mailbox, first_uid)
) WITHOUT ROWID;
CREATE TABLE document(id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE);
CREATE TABLE unread(mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;
CREATE TABLE attached(document INTEGER PRIMARY KEY, blob TEXT NOT NULL, is_due INTEGER NOT NULL);
CREATE INDEX attached_due ON attached(document) WHERE is_due = 1;
CREATE TABLE orphan(document INTEGER PRIMARY KEY);
"""
_RUNS = 256
"""Runs in a row; the last row of a mailbox is written again when messages are added."""
_KEYS = 500
_UNREAD = 1000


class NotedMailbox(NamedTuple):
    """A mailbox in the notes of an account."""

    id: int
    reached: int


class Bookkeeping:
    """The notes, on a connection to the file; writing belongs into a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def reached(self) -> dict[str, int]:
        """By mailbox, how far it was handed over."""
        return dict(fetched(self._connection, "SELECT name, reached FROM mailbox"))

    def mailbox(self, name: str) -> NotedMailbox | None:
        rows = fetched(self._connection, "SELECT id, reached FROM mailbox WHERE name = ?", (name,))
        return NotedMailbox(*rows[0]) if rows else None

    def mailboxes(self) -> dict[int, str]:
        return dict(fetched(self._connection, "SELECT id, name FROM mailbox"))

    def documents(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The documents with these keys."""
        known: dict[bytes, int] = {}
        for part in _parts(keys, _KEYS):
            marks = ",".join("?" * len(part))
            known.update(fetched(self._connection, f"SELECT key, id FROM document WHERE key IN ({marks})", part))  # noqa: S608
        return known

    def fresh(self, batch: Batch) -> tuple[NotedMailbox, list[tuple[int, bytes]]]:
        """The mailbox of a batch, and the messages in it that were not handed over before."""
        known = self.mailbox(batch.mailbox)
        if (known.reached if known else 0) < batch.after:
            raise IndexUnavailable("the index of this account was begun anew")
        if known is None:
            self._connection.execute("INSERT INTO mailbox(name, reached) VALUES(?, 0)", (batch.mailbox,))
            known = NotedMailbox(self._connection.last_insert_rowid(), 0)
        unread = set(self.missing(known.id).tolist())
        return known, [
            (entry.uid, entry.key) for entry in batch.entries if entry.uid > known.reached or entry.uid in unread
        ]

    def new_documents(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Number documents, in ascending order."""
        numbers = {}
        for key in keys:
            self._connection.execute("INSERT INTO document(key) VALUES(?)", (key,))
            numbers[key] = self._connection.last_insert_rowid()
        return numbers

    def await_attachments(self, blobs: Mapping[int, str]) -> None:
        """Note documents whose attachments are to be extracted."""
        self._connection.executemany("INSERT OR IGNORE INTO attached VALUES(?, ?, 1)", blobs.items())

    def enter(
        self, mailbox: NotedMailbox, places: Sequence[tuple[int, int]], batch: Batch, lost: Sequence[int]
    ) -> None:
        """Note places that are not noted yet, and how far the batch reaches. `lost` are UIDs to read again."""
        unread = [uid for uid in batch.unread if uid > mailbox.reached] + list(lost)
        run = self._connection.executemany
        run("DELETE FROM unread WHERE mailbox = ? AND uid = ?", ((mailbox.id, uid) for uid, _ in places))
        run("INSERT OR IGNORE INTO unread VALUES(?, ?)", ((mailbox.id, uid) for uid in unread))
        run("DELETE FROM orphan WHERE document = ?", ((document,) for _, document in places))
        if places:
            pairs = as_numbers([number for pair in sorted(places) for number in pair]).reshape(-1, 2)
            self._insert(mailbox.id, MailboxPlaces(pairs[:, 0], pairs[:, 1]))
        upto = max(batch.upto, mailbox.reached)
        self._connection.execute("UPDATE mailbox SET reached = ? WHERE id = ?", (upto, mailbox.id))

    def _insert(self, mailbox: int, places: MailboxPlaces) -> None:
        first, last = int(places.uids[0]), int(places.uids[-1])
        rows = fetched(
            self._connection, "SELECT max(first_uid) FROM place WHERE mailbox = ? AND first_uid <= ?", (mailbox, first)
        )
        begin = first if rows[0][0] is None else rows[0][0]
        where = "mailbox = ? AND first_uid BETWEEN ? AND ?"
        old = fetched(
            self._connection,
            f"DELETE FROM place WHERE {where} RETURNING first_uid, runs",  # noqa: S608
            (mailbox, begin, last),
        )
        self._write(mailbox, merged(unpacked([runs for _, runs in sorted(old)]), places))

    def _write(self, mailbox: int, places: MailboxPlaces) -> None:
        rows = ((mailbox, first, runs) for first, runs in packed_runs(places, _RUNS))
        self._connection.executemany("INSERT INTO place VALUES(?, ?, ?)", rows)

    def places(self, mailbox: int) -> MailboxPlaces:
        """All places of a mailbox."""
        query = "SELECT runs FROM place WHERE mailbox = ? ORDER BY first_uid"
        return unpacked([runs for (runs,) in fetched(self._connection, query, (mailbox,))])

    def missing(self, mailbox: int) -> Numbers:
        """The UIDs of messages that could not be read."""
        rows = fetched(self._connection, "SELECT uid FROM unread WHERE mailbox = ? ORDER BY uid", (mailbox,))
        return as_numbers([uid for (uid,) in rows]) if rows else NONE

    def unread(self) -> list[tuple[str, int]]:
        """MailboxPlaces of messages that could not be read."""
        query = "SELECT name, uid FROM unread JOIN mailbox ON mailbox.id = unread.mailbox LIMIT ?"
        return [(name, uid) for name, uid in fetched(self._connection, query, (_UNREAD,))]

    def awaiting(self, limit: int) -> dict[bytes, str]:
        """Blobs whose attachments are to be extracted, the newest first."""
        query = (
            "SELECT key, blob FROM attached JOIN document ON id = document WHERE is_due = 1"
            " ORDER BY document DESC LIMIT ?"
        )
        return dict(fetched(self._connection, query, (limit,)))

    def extracted(self, documents: Iterable[int]) -> None:
        """Note that the attachments of documents were extracted."""
        run = self._connection.executemany
        run("UPDATE attached SET is_due = 0 WHERE document = ?", ((number,) for number in documents))

    def attached(self) -> frozenset[str]:
        """The blobs of documents with attachments."""
        return frozenset(blob for (blob,) in fetched(self._connection, "SELECT blob FROM attached"))

    def await_again(self, blobs: Sequence[str]) -> None:
        """Note that the attachments of documents with these blobs are to be extracted again."""
        self._connection.executemany("UPDATE attached SET is_due = 1 WHERE blob = ?", ((blob,) for blob in blobs))

    def awaited(self) -> int:
        """How many documents have attachments to be extracted."""
        return int(fetched(self._connection, "SELECT count(*) FROM attached WHERE is_due = 1")[0][0])

    def retain(self, name: str, live: Ranges) -> int:
        """Forget the other places of a mailbox up to where it was handed over, and note documents without a place."""
        mailbox = self.mailbox(name)
        if mailbox is None:
            return 0
        unread = self.missing(mailbox.id)
        dead = ((mailbox.id, uid) for uid in unread[~members(unread, live)].tolist())
        self._connection.executemany("DELETE FROM unread WHERE mailbox = ? AND uid = ?", dead)
        places = self.places(mailbox.id)
        kept = members(places.uids, live) | (places.uids > mailbox.reached)
        if kept.all():
            return 0
        self._connection.execute("DELETE FROM place WHERE mailbox = ?", (mailbox.id,))
        self._write(mailbox.id, places.where(kept))
        self._note_orphans(places.documents[~kept])
        return int((~kept).sum())

    def drop_mailbox(self, name: str) -> None:
        """Forget a mailbox, and note documents without a place."""
        mailbox = self.mailbox(name)
        if mailbox is None:
            return
        places = self.places(mailbox.id)
        for table, column in (("place", "mailbox"), ("unread", "mailbox"), ("mailbox", "id")):
            self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (mailbox.id,))  # noqa: S608
        self._note_orphans(places.documents)

    def _note_orphans(self, documents: Numbers) -> None:
        rows = fetched(self._connection, "SELECT runs FROM place")
        elsewhere = unpacked([runs for (runs,) in rows]).documents
        lonely = documents[~among(documents, elsewhere)].tolist()
        self._connection.executemany("INSERT OR IGNORE INTO orphan VALUES(?)", ((number,) for number in lonely))

    def orphans(self, limit: int) -> list[int]:
        """Documents without a place, whose texts are to be removed."""
        rows = fetched(self._connection, "SELECT document FROM orphan ORDER BY document LIMIT ?", (limit,))
        return [number for (number,) in rows]

    def forget(self, documents: Sequence[int]) -> None:
        """Forget documents whose texts are removed."""
        for table, column in (("document", "id"), ("attached", "document"), ("orphan", "document")):
            self._connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", ((number,) for number in documents))  # noqa: S608

    def count(self, name: str, difference: int) -> None:
        """Add to a counter."""
        query = "INSERT INTO counter VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value"
        self._connection.execute(query, (name, difference))

    def note(self, name: str, value: int) -> None:
        """Set a counter."""
        self._connection.execute("INSERT OR REPLACE INTO counter VALUES(?, ?)", (name, value))

    def counter(self, name: str) -> int:
        rows = fetched(self._connection, "SELECT value FROM counter WHERE name = ?", (name,))
        return int(rows[0][0]) if rows else 0

    def rows(self, table: str) -> int:
        """How many rows a table of the notes has."""
        return int(fetched(self._connection, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def placed(self) -> int:
        """How many places there are."""
        rows = fetched(self._connection, "SELECT runs FROM place")
        return len(unpacked([runs for (runs,) in rows]).uids) if rows else len(NOWHERE.uids)


def _parts(keys: Sequence[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    rest = iter(keys)
    while part := tuple(islice(rest, size)):
        yield part
