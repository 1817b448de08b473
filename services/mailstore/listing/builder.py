"""Builds the pages of a listing in the background, and takes out of them what left a mailbox.

A delivery pays nothing. A reading that meets many messages without a record calls the builder, which reads those
messages once, in small pieces beside other work. A record of a message that was expunged or moved away is taken out
soon after; at each start all pages are compared with the mailboxes, because the last process may have ended in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.mailstore.listing.columns import (
    FIELDS,
    PAGE_MESSAGES,
    PAGE_OCTETS,
    Kind,
    ListedMessage,
    Record,
    decode_keys,
    decode_page,
    encode_page,
    record,
)
from services.mailstore.listing.page_file import PageFile, PageRange
from services.mailstore.listing.pages import LEAST_LACKING, Listing
from shared.background import BackgroundTask, woken_within
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobDamaged, BlobError, BlobMissing
from shared.blobs.port import Blob, Blobs
from shared.events.all_mail_mailbox import AllMailEnded
from shared.events.expiry import MessagesExpired
from shared.events.mailbox import MailboxDeleted, MessagesExpunged, MessagesMoved
from shared.events.maildrop import MessagesFetchedAway
from shared.eventstore.connection import Reader, Row, StoreUnavailable
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.protocol.message.dates import written_day
from shared.protocol.message.folding import fold
from shared.protocol.message.headers import header_value
from shared.protocol.message.scan import Scan
from shared.protocol.message.search_texts import HEADER_LIMIT, field_texts
from shared.protocol.message.text import preview_of
from shared.scans import scan_of
from shared.turns import Turns

T = TypeVar("T")
_IDLE_SECONDS = 60.0
_PAUSE = 2.0
"""Seconds that changes of mailboxes are collected before their pages are written again."""
_END = 1 << 40
_INNER_LEAST = 4
"""Messages between two pages that become a page; new ones at the end wait until they are LEAST_LACKING."""
_LARGE_HEADER = 32 * 1024
_HEADER_COST = 3
"""The cost of reading an octet of a header for all fields, in octets examined."""
_LARGE_BODY = 16 * 1024
_PREVIEW_COST = 5
"""The cost of an octet from which a preview is made, in octets examined: markup is taken away."""
_MAILBOXES = 500
Span = tuple[int, int]
EntryBody = tuple[int, str, int, bytes]
"""The fields of ListedMessage, and the prefix."""


class ListingBuilder:
    """The background task."""

    def __init__(
        self, service: str, store: EventStore, blobs: Blobs, listing: Listing, turns: Turns, pause: float = _PAUSE
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._listing = listing
        self._turns = turns
        self._pause = pause
        self._wake = asyncio.Event()
        self._working = asyncio.Lock()
        self._lacking: dict[str, None] = {}
        self._stale: dict[str, Span] = {}
        """UIDs between which messages left a mailbox."""
        self._left: dict[str, int] = {}
        """Accounts in which messages left a mailbox, and the version of the first such change."""
        self._unchecked: str | None = ""
        """The mailbox behind which pages of an earlier process are still to be compared; None: all are."""
        self._task = BackgroundTask(service, "listing", self._turn, not_now=(StoreUnavailable, BlobError))

    def start(self) -> None:
        """Begin with a look at the pages of earlier processes."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; the pages stay as they are."""
        await self._task.stop()

    def lacks(self, mailbox: str) -> None:
        """Build pages for the messages of a mailbox that have none."""
        self._lacking[mailbox] = None
        self._wake.set()

    def committed(self, recorded: list[Recorded]) -> None:
        """Note the messages that left a mailbox."""
        for entry in recorded:
            match entry.event:
                case MessagesExpunged() | MessagesExpired() | MessagesFetchedAway():
                    self._note_stale(entry.event.mailbox, entry.event.uids)
                case MessagesMoved(source=mailbox, uids=uids):
                    self._note_stale(mailbox, uids)
                case MailboxDeleted(mailbox=mailbox) | AllMailEnded(mailbox=mailbox):
                    self._note_stale(mailbox, ((1, _END),))
                case _:
                    continue
            self._left.setdefault(entry.stream, entry.version)

    def _note_stale(self, mailbox: str, uids: Sequence[Span]) -> None:
        if uids:
            first, last = self._stale.get(mailbox, (_END, 0))
            self._stale[mailbox] = min(first, uids[0][0]), max(last, uids[-1][1])
            self._wake.set()

    async def _note_shown_elsewhere(self) -> None:
        """Note the messages that All Mail does not show any more, because they left their mailboxes."""
        while self._left:
            account, version = self._left.popitem()
            try:
                rows = await self._store.read(_no_more_shown(account, version))
            except StoreUnavailable:
                self._left[account] = version  # the next turn tries again
                raise
            if rows:
                mailbox = rows[0][0]
                self._note_stale(mailbox, sorted((first, last) for _, first, last in rows))

    async def tidy_all(self) -> None:
        """Take everything out of the pages that no mailbox has any more, and out of the file's log.

        Raises StoreUnavailable when that cannot be done now.
        """
        after: str | None = ""
        async with self._working:  # what is being built may be of a mailbox that is gone meanwhile
            while after is not None:
                after = await self._tidy_some(after)
            await self._written(PageFile.empty_log)

    async def _turn(self) -> None:
        self._wake.clear()
        if self._unchecked is not None:
            async with self._working:
                self._unchecked = await self._tidy_some(self._unchecked)
        elif self._lacking:
            mailbox = next(iter(self._lacking))
            del self._lacking[mailbox]
            async with self._working:
                await self._build(mailbox)
        elif self._stale:
            await asyncio.sleep(self._pause)
            await self._note_shown_elsewhere()
            async with self._working:
                while self._stale:
                    await self._tidy_stale(*self._stale.popitem())
        else:
            await woken_within(self._wake, _IDLE_SECONDS)

    async def _tidy_some(self, after: str) -> str | None:
        """Compare the pages of some mailboxes; returns the last of them, None at the end."""
        mailboxes = await self._listing.write(lambda file: file.mailboxes(after, _MAILBOXES)) or []
        for mailbox in mailboxes:
            await self._tidy(mailbox, (1, _END))
            self._task.advanced()
        return mailboxes[-1] if mailboxes else None

    async def _tidy(self, mailbox: str, span: Span) -> None:
        """Take out of pages what the mailbox does not have. Raises StoreUnavailable when they cannot be written now."""
        first, last = span
        for page in await self._written(lambda file: file.ranges(mailbox)) or []:
            if page.first <= last and page.last >= first:
                entries = frozenset(await self._store.read(_keys(mailbox, page)))
                await self._turns.spend(rows=len(entries))
                await self._written(_without_others(mailbox, page, entries))

    async def _written(self, work: Callable[[PageFile], T]) -> T | None:
        """What some work on the file has returned; None without a file. Raises StoreUnavailable when it failed."""
        done = await self._listing.write(lambda file: (work(file),))
        if done is None and self._listing.is_open:
            raise StoreUnavailable("the pages of the listing cannot be written")
        return done[0] if done else None

    async def _tidy_stale(self, mailbox: str, span: Span) -> None:
        try:
            await self._tidy(mailbox, span)
        except StoreUnavailable:
            self._note_stale(mailbox, (span,))  # the next turn tries again
            raise

    async def _build(self, mailbox: str) -> None:
        pages = await self._listing.write(lambda file: file.ranges(mailbox))
        if pages is None:
            return
        after = 0
        for page in [*pages, PageRange(0, _END, _END)]:
            least = _INNER_LEAST if page.id else LEAST_LACKING
            if page.first > after + 1:
                await self._fill(mailbox, (after + 1, page.first - 1), least)
            after = page.last

    async def _fill(self, mailbox: str, span: Span, least: int) -> None:
        """Make pages for the messages between two pages, or behind the last one."""
        first, last = span
        while True:
            entries = await self._store.read(_entries(mailbox, (first, last)))
            await self._turns.spend(rows=2 * len(entries) + 1)
            if len(entries) < least:
                return
            records, end = await self._records(entries)
            columns = await asyncio.to_thread(encode_page, records)
            await self._listing.write(_adding(mailbox, (first, end), columns))
            self._task.advanced()
            first = end + 1

    async def _records(self, entries: Sequence[EntryBody]) -> tuple[list[Record], int]:
        """The records of as many messages as fit into a page, and the UID of the last message."""
        records: list[Record] = []
        octets = end = 0
        for uid, blob, saved, prefix in entries:
            end = uid
            made = await self._record(ListedMessage(uid, blob, saved), bytes(prefix))
            if made is not None:
                records.append(made)
                octets += made.octets
                if octets >= PAGE_OCTETS:
                    break
        return records, end

    async def _record(self, message: ListedMessage, prefix: bytes) -> Record | None:
        """The record of a message; None when its blob is missing or damaged, as `verify` will report."""
        try:
            stored = await self._blobs.read(BlobId(message.blob))
            scanned = await scan_of(self._blobs, stored)
            header = prefix + stored.read(0, min(scanned.header_end, HEADER_LIMIT))
            await self._turns.spend(files=1, octets=len(stored.scan) + _HEADER_COST * len(header))
            preview = await self._preview(stored, scanned)
        except (BlobMissing, BlobDamaged):
            return None
        if len(header) > _LARGE_HEADER:
            return await asyncio.to_thread(_record_of, message, scanned, header, preview)
        return _record_of(message, scanned, header, preview)

    async def _preview(self, stored: Blob, scanned: Scan) -> str:
        """The first words; in a thread where the octets that they come from are many. Raises BlobError."""
        if stored.body_size > _LARGE_BODY:
            return await asyncio.to_thread(preview_of, scanned, stored.read)
        preview = preview_of(scanned, stored.read)
        await self._turns.spend(octets=_PREVIEW_COST * stored.body_size)
        return preview


def _record_of(message: ListedMessage, scanned: Scan, header: bytes, preview: str) -> Record:
    """What SEARCH examines of a header, the wire forms of the scan, and the preview."""
    texts = [[fold(text) for text in field_texts(header, name)] for name in FIELDS]
    return record(message, scanned, written_day(header_value(header, b"date") or b""), texts, preview)


def _entries(mailbox: str, span: Span) -> Callable[[Reader], list[EntryBody]]:
    sql = (
        "SELECT uid, blob, saved, prefix FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"  # noqa: S608
        f" ORDER BY uid LIMIT {PAGE_MESSAGES}"
    )
    return lambda reader: reader.all(sql, (mailbox, *span))


def _keys(mailbox: str, page: PageRange) -> Callable[[Reader], list[tuple[int, str]]]:
    sql = "SELECT uid, blob FROM entry WHERE mailbox = ? AND uid BETWEEN ? AND ?"
    return lambda reader: reader.all(sql, (mailbox, page.first, page.last))


def _adding(mailbox: str, span: Span, columns: dict[Kind, bytes]) -> Callable[[PageFile], None]:
    return lambda file: file.write(mailbox, *span, columns)


def _without_others(mailbox: str, page: PageRange, entries: frozenset[tuple[int, str]]) -> Callable[[PageFile], None]:
    """Takes the records out of a page whose messages are not among the entries."""

    def work(file: PageFile) -> None:
        column = file.columns(page.id, (Kind.KEYS,))
        keys = decode_keys(column[Kind.KEYS]) if column else None
        if keys is None or entries.issuperset(zip(keys.uids, keys.blobs, strict=True)):
            return
        records = decode_page(file.columns(page.id, (Kind.KEYS, *Kind)) or {})
        left = [record for record in records if (record.uid, record.blob) in entries]
        if left:
            file.write(mailbox, page.first, page.last, encode_page(left))
        else:
            file.remove([page.id])

    return work


def _no_more_shown(account: str, since: int) -> Callable[[Reader], list[Row]]:
    """The All Mail mailbox of an account with the UIDs that left it since a version."""
    sql = (
        "SELECT vanished.mailbox, vanished.first, vanished.last FROM account"
        " JOIN vanished ON vanished.mailbox = account.all_mail"
        " WHERE account.account = ? AND account.all_mail <> '' AND vanished.modseq >= ?"
    )
    return lambda reader: reader.all(sql, (account, since))
