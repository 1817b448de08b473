"""The summaries of a mailbox's messages: what SORT, THREAD and searches of common header fields compare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from services.mailstore.projections.conditions import conditions
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import Ranges
from shared.protocol.message.scan import DisplayAddress, Scan, scan
from shared.scans import scan_of
from shared.turns import Turns

_PAGE = 200
_EMPTY = scan(b"")


class MessageSummary(NamedTuple):
    """What is compared of one message. Times are in microseconds since 1970 UTC."""

    uid: int
    internal_date: int
    zone: int
    """Minutes east of UTC in which the internal date was given."""
    size: int
    date: int | None
    """The time in the Date field; None when there is none that can be read."""
    subject: str
    """Decoded, as written (RFC 5256 §2.1 makes the base subject of it)."""
    from_: tuple[DisplayAddress, ...]
    """(decoded display name, local@domain), as for the next two."""
    to: tuple[DisplayAddress, ...]
    cc: tuple[DisplayAddress, ...]
    message_id: str
    """Without angle brackets, as for the next two."""
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]


class Summaries:
    """Reads the summaries of messages, page by page."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns

    async def read(self, mailbox: str, uids: Ranges) -> AsyncIterator[list[MessageSummary]]:
        """The summaries of the messages in ascending UID ranges, ascending, in pages. Messages that are not there are
        left out; a message whose blob cannot be read has an empty summary."""
        after = 0
        for condition in conditions(uids):
            while True:
                rows = await self._store.read(_rows(mailbox, condition, after))
                await self._turns.spend(rows=len(rows))
                yield [await self._summary(row) for row in rows]
                if len(rows) < _PAGE:
                    break
                after = rows[-1][0]

    async def _summary(self, row: tuple[int, int, int, int, str]) -> MessageSummary:
        uid, internal_date, zone, size, blob = row
        scanned = await self._scan(blob)
        return MessageSummary(
            uid,
            internal_date,
            zone,
            size,
            scanned.date,
            scanned.subject,
            scanned.from_,
            scanned.to,
            scanned.cc,
            scanned.message_id,
            scanned.in_reply_to,
            scanned.references,
        )

    async def _scan(self, blob: str) -> Scan:
        try:
            stored = await self._blobs.read(BlobId(blob))
            await self._turns.spend(files=1, octets=len(stored.scan))
            return await scan_of(self._blobs, stored)
        except BlobError:
            # The blob is missing or damaged, as `verify` will report. The message is still sorted and threaded.
            return _EMPTY


def _rows(
    mailbox: str, condition: tuple[str, tuple[int, ...]], after: int
) -> Callable[[Reader], list[tuple[int, int, int, int, str]]]:
    text, parameters = condition
    sql = (
        f"SELECT uid, internal_date, zone, size, blob FROM entry WHERE mailbox = ? AND {text} AND uid > ?"  # noqa: S608
        f" ORDER BY uid LIMIT {_PAGE}"
    )
    return lambda reader: reader.all(sql, (mailbox, *parameters, after))
