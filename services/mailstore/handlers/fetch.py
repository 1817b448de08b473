"""FETCH from rows and scans: attributes in the form in which IMAP sends them, in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from services.mailstore.domain.flags import Flags
from services.mailstore.projections.conditions import LONG, conditions
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.dates import format_date_time
from shared.protocol.imap.ranges import Ranges
from shared.protocol.message.scan import Scan, scan
from shared.scans import scan_of
from shared.turns import Turns

BATCH = 200
"""Messages in one batch."""
_OCTETS = 256 * 1024
"""Octets of attributes and prefixes in one batch: the structure of a message with thousands of parts is large."""
_STATEMENTS = 16
"""SQL statements for one batch, because some ranges may hold no message."""
_COLUMNS = "uid, system, keywords, modseq, size, internal_date, zone, saved, content, thread, blob"
_EMPTY = scan(b"")


class RequestedAttributes(NamedTuple):
    """The attributes that a fetch requests, in addition to FLAGS, UID and MODSEQ."""

    envelope: bool = False
    body: bool = False
    body_structure: bool = False
    size: bool = False
    internal_date: bool = False
    email_id: bool = False
    thread_id: bool = False
    save_date: bool = False
    contents: bool = False
    """Blob ids and prefixes, from which sections are read."""

    @property
    def scans(self) -> bool:
        """Whether the structure scan is needed."""
        return self.envelope or self.body or self.body_structure


class MessageRow(NamedTuple):
    """The row of a message."""

    uid: int
    system: int
    keywords: str
    modseq: int
    size: int
    internal_date: int
    zone: int
    saved: int
    content: str
    thread: str
    blob: str
    prefix: bytes = b""
    is_marked: bool = False
    """Whether this fetch has set \\Seen."""


class Fetched(NamedTuple):
    """The attributes of one message, ready to be sent."""

    message: MessageRow
    flags: tuple[str, ...]
    attributes: bytes


Mark = Callable[[list[MessageRow]], Awaitable[list[MessageRow]]]
"""Sets \\Seen on messages without it, and returns the messages as they are then."""


class Fetcher:
    """Reads rows in short batches, so that no transaction stays open while a client reads slowly."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns

    async def fetch(
        self, mailbox: str, uids: Ranges, requested: RequestedAttributes, changed_since: int, mark: Mark | None = None
    ) -> AsyncIterator[list[Fetched]]:
        """Fetch the messages of ascending UID ranges, in ascending order and in batches."""
        left = uids
        while left:
            messages, left = await self._store.read(_page(mailbox, left, changed_since, contents=requested.contents))
            await self._turns.spend(rows=len(messages) + 1, keys=len(left) // 50)
            async for batch in self._batches(await mark(messages) if mark else messages, requested):
                yield batch

    async def _batches(
        self, messages: list[MessageRow], requested: RequestedAttributes
    ) -> AsyncIterator[list[Fetched]]:
        batch: list[Fetched] = []
        octets = 0
        for message in messages:
            structure = await self._scan(message.blob) if requested.scans else None
            attributes = _attributes(message, requested, structure)
            batch.append(Fetched(message, Flags(message.system, message.keywords).names(), attributes))
            octets += len(attributes) + len(message.prefix)
            if octets > _OCTETS:
                yield batch
                batch, octets = [], 0
        if batch:
            yield batch

    async def _scan(self, blob: str) -> Scan:
        try:
            stored = await self._blobs.read(BlobId(blob))
            await self._turns.spend(files=1, octets=len(stored.scan))
            return await scan_of(self._blobs, stored)
        except BlobError:
            # The blob is missing or damaged, as `verify` will report. The client must still be able to open the
            # mailbox.
            return _EMPTY


def _page(
    mailbox: str, left: Ranges, changed_since: int, *, contents: bool
) -> Callable[[Reader], tuple[list[MessageRow], Ranges]]:
    """Read a batch of rows; returns them and the ranges that remain.

    The work is bounded however many ranges there are.
    """
    columns = f"{_COLUMNS}, prefix" if contents else _COLUMNS
    # `+modseq` keeps SQLite from reading all rows behind a MODSEQ instead of those with the given UIDs.
    sql = f"SELECT {columns} FROM entry WHERE mailbox = ? AND {{}} AND +modseq > ? ORDER BY uid LIMIT ?"  # noqa: S608

    def ask(reader: Reader) -> tuple[list[MessageRow], Ranges]:
        messages: list[MessageRow] = []
        at = 0
        for _ in range(_STATEMENTS):
            room = BATCH - len(messages)
            end = _neighbours(left, at, room)
            if end == at:
                break
            for condition, parameters in conditions(left[at:end]):
                rows = reader.all(sql.format(condition), (mailbox, *parameters, changed_since, room))
                messages += map(_with_prefix, rows) if contents else [MessageRow(*row) for row in rows]
                if len(rows) == room:
                    return messages, _behind(left[at:], messages[-1].uid)
            at = end
        return messages, left[at:]

    return ask


def _with_prefix(row: Row) -> MessageRow:
    message = MessageRow(*row)
    return message._replace(prefix=bytes(message.prefix)) if message.prefix else message


def _neighbours(left: Ranges, at: int, room: int) -> int:
    """The end of the ranges from `at` on that one statement reads.

    It is one long range, or several short ones of `room` UIDs in all.
    """
    if at < len(left) and left[at][1] - left[at][0] + 1 >= LONG:
        return at + 1 if room else at
    while at < len(left) and (size := left[at][1] - left[at][0] + 1) < LONG and size <= room:
        room -= size
        at += 1
    return at


def _behind(left: Ranges, uid: int) -> Ranges:
    """The ranges above a UID, which is in one of the first ranges."""
    at = next((at for at, (_, last) in enumerate(left) if last > uid), len(left))
    return tuple((max(first, uid + 1), last) for first, last in left[at : at + 1]) + left[at + 1 :]


def _attributes(message: MessageRow, requested: RequestedAttributes, structure: Scan | None) -> bytes:
    pieces = []
    if requested.size:
        pieces.append(b"RFC822.SIZE %d" % message.size)
    if requested.internal_date:
        pieces.append(b"INTERNALDATE " + format_date_time(message.internal_date, message.zone))
    if structure is not None:
        pieces += [
            name + wire
            for asked, name, wire in (
                (requested.envelope, b"ENVELOPE ", structure.envelope),
                (requested.body, b"BODY ", structure.body),
                (requested.body_structure, b"BODYSTRUCTURE ", structure.bodystructure),
            )
            if asked
        ]
    if requested.email_id:
        pieces.append(b"EMAILID (" + message.content.encode() + b")")
    if requested.thread_id:
        pieces.append(b"THREADID (" + message.thread.encode() + b")")
    if requested.save_date:
        pieces.append(b"SAVEDATE " + format_date_time(message.saved))
    return b" ".join(pieces)
