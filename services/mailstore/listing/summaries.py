"""The summaries of a mailbox's messages: what SORT, THREAD and searches of common header fields compare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from services.mailstore.listing.columns import Kind, SummaryKeys, decode_structures, decode_summary, summary_keys
from services.mailstore.listing.pages import Listing
from services.mailstore.projections.conditions import Condition, behind, conditions
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
_OCTETS = 256 * 1024
"""Octets of summaries after which a page ends."""
_Row = tuple[int, int, int, int, str]
_EMPTY = scan(b"")
_NOTHING = summary_keys(_EMPTY)


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
    is_read: bool = True
    """False: the blob cannot be read now, and the summary is empty."""


class Summaries:
    """Reads the summaries of messages, page by page."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns, listing: Listing | None = None) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns
        self._listing = listing or Listing(None)

    async def read(self, mailbox: str, uids: Ranges) -> AsyncIterator[list[MessageSummary]]:
        """The summaries of the messages in ascending UID ranges, ascending, in pages. Messages that are not there are
        left out; a message whose blob cannot be read has an empty summary."""
        after, held = 0, _HeldKeys(self._listing, mailbox)
        for condition in conditions(uids):
            while True:
                rows = await self._store.read(_rows(mailbox, condition, after))
                await self._turns.spend(rows=len(rows))
                async for page in self._pages(rows, held):
                    yield page
                if len(rows) < _PAGE:
                    break
                after = rows[-1][0]
        held.done()

    async def _pages(self, rows: list[_Row], held: _HeldKeys) -> AsyncIterator[list[MessageSummary]]:
        page: list[MessageSummary] = []
        for uid, internal_date, zone, size, blob in rows:
            keys = held.of(uid, blob)
            scanned = await self._scan(blob) if keys is None else None
            if scanned is not None:
                keys = summary_keys(scanned)
            page.append(MessageSummary(uid, internal_date, zone, size, *(keys or _NOTHING), scanned is not _EMPTY))
            if held.octets > _OCTETS:
                await self._turns.spend(octets=held.take_octets())
                yield page
                page = []
        await self._turns.spend(octets=held.take_octets())
        if page:
            yield page

    async def _scan(self, blob: str) -> Scan:
        try:
            stored = await self._blobs.read(BlobId(blob))
            await self._turns.spend(files=1, octets=len(stored.scan))
            return await scan_of(self._blobs, stored)
        except BlobError:
            # The blob is missing or damaged, as `verify` will report. The message is still sorted and threaded.
            return _EMPTY


class _HeldKeys:
    """The keys that pages have of a mailbox's messages, in the order of UIDs."""

    def __init__(self, listing: Listing, mailbox: str) -> None:
        self._listing = listing
        self._mailbox = mailbox
        self._cursor = listing.cursor(mailbox, (Kind.SUMMARY,))
        self._page = 0
        self._encoded: Sequence[bytes | None] = ()
        self._lacking = 0
        self.octets = 0
        """Octets that were decoded since `take_octets`."""

    def of(self, uid: int, blob: str) -> SummaryKeys | None:
        """The keys of a message, if a page has them."""
        place = self._cursor.place(uid, blob)
        if place < 0:
            self._lacking += 1
            return None
        if self._page != self._cursor.pages:
            self._page, self._encoded = self._cursor.pages, decode_structures(self._cursor.columns[Kind.SUMMARY])
            self.octets += self._cursor.take_octets()
        encoded = self._encoded[place]
        return None if encoded is None else decode_summary(encoded)

    def take_octets(self) -> int:
        """The octets that were decoded since the last call."""
        octets, self.octets = self.octets, 0
        return octets

    def done(self) -> None:
        """To be called at the end of a reading."""
        self._listing.lacks(self._mailbox, self._lacking)


def _rows(mailbox: str, condition: Condition, after: int) -> Callable[[Reader], list[_Row]]:
    text, parameters = behind(condition, after)
    sql = (
        f"SELECT uid, internal_date, zone, size, blob FROM entry WHERE mailbox = ? AND {text}"  # noqa: S608
        f" ORDER BY uid LIMIT {_PAGE}"
    )
    return lambda reader: reader.all(sql, (mailbox, *parameters))
