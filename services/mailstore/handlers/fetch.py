"""FETCH from rows and the listing: attributes in the form in which IMAP sends them, in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import starmap
from typing import NamedTuple

from services.mailstore.listing.columns import Kind
from services.mailstore.listing.pages import Listing
from services.mailstore.listing.previews import HeldPreviews
from services.mailstore.listing.structures import Structures
from services.mailstore.projections import current
from services.mailstore.projections.conditions import LONG, RANGE, Condition, conditions
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader, Row
from shared.eventstore.store import EventStore
from shared.protocol.imap.dates import format_date_time
from shared.protocol.imap.ranges import Ranges
from shared.turns import Turns

BATCH = 400
"""Messages in one batch: two pages of a listing."""
_OCTETS = 256 * 1024
"""Octets of attributes and prefixes in one batch: the structure of a message with thousands of parts is large."""
_STATEMENTS = 16
"""SQL statements for one batch, because some ranges may hold no message."""


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
    preview: bool = False
    """The previews that the listing has, and blob ids, from which the others are made."""
    without_flags: bool = False
    """FLAGS and MODSEQ are not requested."""

    @property
    def structures(self) -> tuple[Kind, ...]:
        """What the structure scan gives."""
        kinds = (self.envelope, Kind.ENVELOPE), (self.body, Kind.BODY), (self.body_structure, Kind.BODYSTRUCTURE)
        return tuple(kind for asked, kind in kinds if asked)

    @property
    def columns(self) -> str:
        """The columns of rows, in the order of MessageRow; what is not needed is a constant, which costs nothing."""
        return ", ".join(
            (
                "uid, 0, '', 0" if self.without_flags else "uid, system, keywords, modseq",
                "size" if self.size else "0",
                "internal_date, zone" if self.internal_date else "0, 0",
                "saved" if self.save_date else "0",
                "content" if self.email_id else "''",
                "thread" if self.thread_id else "''",
                "blob" if self.structures or self.contents or self.preview else "''",
                *(["prefix"] if self.contents else []),
            )
        )


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
    """Some messages, and the attributes of each, ready to be sent."""

    messages: list[MessageRow]
    attributes: list[bytes]
    previews: list[str | None] | None = None
    """None: none were asked for."""


Mark = Callable[[list[MessageRow]], Awaitable[list[MessageRow]]]
"""Sets \\Seen on messages without it, and returns the messages as they are then."""


class Fetcher:
    """Reads rows in short batches, so that no transaction stays open while a client reads slowly."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns, listing: Listing) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns
        self._listing = listing

    async def fetch(
        self, mailbox: str, uids: Ranges, requested: RequestedAttributes, changed_since: int, mark: Mark | None = None
    ) -> AsyncIterator[Fetched]:
        """Fetch the messages of ascending UID ranges, in ascending order and in batches."""
        left = uids
        structures = Structures(self._listing, self._blobs, self._turns, mailbox, requested.structures)
        previews = HeldPreviews(self._listing, mailbox) if requested.preview else None
        while left:
            messages, left = await self._store.read(_page(mailbox, left, changed_since, requested))
            await self._turns.spend(rows=len(messages) + 1, keys=len(left) // 50)
            async for batch in self._batches(await mark(messages) if mark else messages, requested, structures):
                yield await self._with_previews(batch, previews) if previews else batch
        structures.done()
        if previews is not None:
            previews.done()

    async def _with_previews(self, batch: Fetched, previews: HeldPreviews) -> Fetched:
        held = [previews.of(message.uid, message.blob) for message in batch.messages]
        await self._turns.spend(octets=previews.take_octets())
        return batch._replace(previews=held)

    async def _batches(
        self, messages: list[MessageRow], requested: RequestedAttributes, structures: Structures
    ) -> AsyncIterator[Fetched]:
        if not requested.structures:
            for part in _parts(messages):
                yield Fetched(part, _attributes(part, requested, []))
            return
        wires: list[bytes] = []
        uids, blobs = [message.uid for message in messages], [message.blob for message in messages]
        octets = begin = end = 0
        while end < len(messages):
            made = await _next_wires(structures, uids, blobs, end)
            wires += made
            octets += sum(map(len, made)) + sum([len(message.prefix) for message in messages[end : end + len(made)]])
            end += len(made)
            if octets > _OCTETS:
                part = messages[begin:end]
                yield Fetched(part, _attributes(part, requested, wires))
                wires, octets, begin = [], 0, end
        await self._turns.spend(octets=structures.take_octets())
        if wires:
            part = messages[begin:]
            yield Fetched(part, _attributes(part, requested, wires))


async def _next_wires(structures: Structures, uids: list[int], blobs: list[str], at: int) -> Sequence[bytes]:
    """The structures of some of these messages, from `at` on."""
    held = structures.held(uids, blobs, at)
    wires = [wire for wire in held if wire is not None]
    if held and len(wires) == len(held) and sum(map(len, wires)) <= _OCTETS:
        return wires
    return [await structures.of(uids[at], blobs[at])]


def _parts(messages: list[MessageRow]) -> Iterator[list[MessageRow]]:
    """The messages in parts with a bounded number of octets of prefixes."""
    begin = octets = 0
    for end, message in enumerate(messages, 1):
        octets += len(message.prefix)
        if octets > _OCTETS:
            yield messages[begin:end]
            begin, octets = end, 0
    if begin < len(messages):
        yield messages[begin:]


def _page(
    mailbox: str, left: Ranges, changed_since: int, requested: RequestedAttributes
) -> Callable[[Reader], tuple[list[MessageRow], Ranges]]:
    """Read a batch of rows; returns them and the ranges that remain.

    The work is bounded however many ranges there are.
    """
    reads_flags = changed_since > 0 or not requested.without_flags
    columns = requested._replace(without_flags=not reads_flags).columns

    def read(reader: Reader, condition: Condition, room: int) -> list[Row]:
        text, parameters = condition
        is_page = text == RANGE
        rows_of = current.source(reader, mailbox) if reads_flags and not is_page else "entry"
        sql = f"SELECT {columns} FROM {rows_of} WHERE mailbox = ? AND {text} ORDER BY uid LIMIT ?"  # noqa: S608
        rows = reader.all(sql, (mailbox, *parameters, room))
        return current.page_now(reader, mailbox, rows) if reads_flags and is_page else rows

    def ask(reader: Reader) -> tuple[list[MessageRow], Ranges]:
        messages: list[MessageRow] = []
        at = 0
        for _ in range(_STATEMENTS):
            room = BATCH - len(messages)
            end = _neighbours(left, at, room)
            if end == at:
                break
            for condition in conditions(left[at:end]):
                rows = read(reader, condition, room)
                kept = [row for row in rows if row[3] > changed_since] if reads_flags else rows
                messages += map(_with_prefix, kept) if requested.contents else starmap(MessageRow, kept)
                if len(rows) == room:
                    return messages, _behind(left[at:], rows[-1][0])
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


def _attributes(messages: list[MessageRow], requested: RequestedAttributes, structures: list[bytes]) -> list[bytes]:
    """The attributes of messages; a column is made at a time, because a loop over attributes would cost the most."""
    columns: list[list[bytes]] = []
    if requested.size:
        columns.append([b"RFC822.SIZE %d" % message.size for message in messages])
    if requested.internal_date:
        columns.append(
            [b"INTERNALDATE " + format_date_time(message.internal_date, message.zone) for message in messages]
        )
    if structures:
        columns.append(structures)
    if requested.email_id:
        columns.append([b"EMAILID (" + message.content.encode() + b")" for message in messages])
    if requested.thread_id:
        columns.append([b"THREADID (" + message.thread.encode() + b")" for message in messages])
    if requested.save_date:
        columns.append([b"SAVEDATE " + format_date_time(message.saved) for message in messages])
    if len(columns) == 1:
        return columns[0]
    return list(map(b" ".join, zip(*columns, strict=True))) if columns else [b""] * len(messages)
