"""FETCH from rows and scans: attributes ready for the wire, in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple

from services.mailstore.domain.flags import Flags
from services.mailstore.domain.uids import common
from services.mailstore.handlers import queries
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.dates import format_date_time
from shared.protocol.message.scan import Scan, scan
from shared.scans import scan_of

_BATCH = 200
_COLUMNS = "uid, system, keywords, modseq, size, internal_date, saved, content, thread, blob, prefix"
_EMPTY = scan(b"")


class Wanted(NamedTuple):
    """Which attributes a fetch asks for, beside FLAGS, UID and MODSEQ."""

    envelope: bool = False
    body: bool = False
    body_structure: bool = False
    size: bool = False
    internal_date: bool = False
    email_id: bool = False
    thread_id: bool = False
    save_date: bool = False

    @property
    def scans(self) -> bool:
        """Whether the structure scan is needed."""
        return self.envelope or self.body or self.body_structure


class Fetched(NamedTuple):
    """One message's answer."""

    uid: int
    flags: tuple[str, ...]
    modseq: int
    attributes: bytes
    blob: str
    prefix: bytes


class Fetcher:
    """Reads rows in short batches, so that nothing stays open while a client reads slowly."""

    def __init__(self, store: EventStore, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs

    async def fetch(
        self, mailbox: str, uids: Iterable[tuple[int, int]], wanted: Wanted, changed_since: int
    ) -> AsyncIterator[list[Fetched]]:
        """The messages of some UID ranges, ascending, in batches."""
        left = list(uids)
        if changed_since:
            changed = await self._store.read(lambda reader: queries.changed_since(reader, mailbox, changed_since))
            left = list(common(tuple(sorted(left)), changed))
        while left:
            rows, left = await self._store.read(_page(mailbox, left, changed_since))
            if rows:
                yield [await self._fetched(row, wanted) for row in rows]

    async def _fetched(self, row: Row, wanted: Wanted) -> Fetched:
        uid, system, keywords, modseq, _, _, _, _, _, blob, prefix = row
        found = await self._scan(blob) if wanted.scans else None
        return Fetched(
            uid, Flags(system, keywords).names(), modseq, _attributes(row, wanted, found), blob, bytes(prefix)
        )

    async def _scan(self, blob: str) -> Scan:
        try:
            return await scan_of(self._blobs, await self._blobs.read(BlobId(blob)))
        except BlobError:
            # The bytes are gone or damaged (verify names them); the mailbox must still open in a client.
            return _EMPTY


def _page(
    mailbox: str, left: list[tuple[int, int]], changed_since: int
) -> Callable[[Reader], tuple[list[Row], list[tuple[int, int]]]]:
    """A batch of rows and the ranges behind them. However many ranges there are, one question stays short."""
    sql = f"SELECT {_COLUMNS} FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ? AND modseq > ? ORDER BY uid LIMIT ?"  # noqa: S608

    def ask(reader: Reader) -> tuple[list[Row], list[tuple[int, int]]]:
        rows: list[Row] = []
        for at, (first, last) in enumerate(left[:_BATCH]):
            rows += reader.all(sql, (mailbox, first, last, changed_since, _BATCH - len(rows)))
            if len(rows) == _BATCH:
                return rows, [(rows[-1][0] + 1, last), *left[at + 1 :]]
        return rows, left[_BATCH:]

    return ask


def _attributes(row: Row, wanted: Wanted, found: Scan | None) -> bytes:
    _, _, _, _, size, internal_date, saved, content, thread, _, _ = row
    pieces = []
    if wanted.size:
        pieces.append(b"RFC822.SIZE %d" % size)
    if wanted.internal_date:
        pieces.append(b"INTERNALDATE " + format_date_time(internal_date))
    if found is not None:
        pieces += [
            name + wire
            for asked, name, wire in (
                (wanted.envelope, b"ENVELOPE ", found.envelope),
                (wanted.body, b"BODY ", found.body),
                (wanted.body_structure, b"BODYSTRUCTURE ", found.bodystructure),
            )
            if asked
        ]
    if wanted.email_id:
        pieces.append(b"EMAILID (" + content.encode() + b")")
    if wanted.thread_id:
        pieces.append(b"THREADID (" + thread.encode() + b")")
    if wanted.save_date:
        pieces.append(b"SAVEDATE " + format_date_time(saved))
    return b" ".join(pieces)
