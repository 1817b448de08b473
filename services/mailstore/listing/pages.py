"""The listing of all mailboxes: what readers ask, page by page, and what the builder changes.

Reading is for the event loop: a column of a page is read and decompressed in some 50 microseconds. Writing is for
threads, one at a time. No error of the file reaches a reader: what cannot be read is not there.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from services.mailstore.listing.columns import Kind, decode_keys
from services.mailstore.listing.page_file import PageFile, delete, is_damage, opened
from shared.background import spawn
from shared.blobs.frames import FrameDamaged

log = structlog.get_logger("mailstore")
T = TypeVar("T")
Lacks = Callable[[str], None]
_END = 1 << 40
"""Above every UID."""
LEAST_LACKING = 32
"""Messages without a record that one reading may meet before the builder is called."""


class Listing:
    """The pages. Without a path it has none and keeps none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._reader: PageFile | None = None
        self._writer: PageFile | None = None
        self._writing = asyncio.Lock()
        self._lacks: Lacks | None = None

    def open(self, lacks: Lacks | None = None) -> None:
        """Open the file; `lacks` is called with a mailbox that has messages without records."""
        self._lacks = lacks
        if self._path is None:
            return
        try:
            self._reader, self._writer = opened(self._path), opened(self._path)
        except (sqlite3.Error, OSError) as error:
            log.error("listing.cannot_be_kept", path=str(self._path), error=str(error))
            self._close()

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self._writer is not None

    async def close(self) -> None:
        """Close the file, when what is being written is written."""
        async with self._writing:
            self._close()

    def cursor(self, mailbox: str, kinds: Iterable[Kind]) -> ListingCursor:
        """Reads some columns of a mailbox in the order of UIDs."""
        return ListingCursor(self, mailbox, tuple(kinds))

    def lacks(self, mailbox: str, messages: int) -> None:
        """Note that a reading met so many messages of a mailbox that have no record."""
        if messages >= LEAST_LACKING and self._reader is not None and self._lacks is not None:
            self._lacks(mailbox)

    def page(self, mailbox: str, uid: int, kinds: tuple[Kind, ...]) -> tuple[int, Mapping[Kind, bytes]]:
        """Columns of the page in charge of a UID or of the next one behind it, and its last UID.

        There are no columns when they cannot be had.
        """
        if self._reader is None:
            return _END, {}
        try:
            page = self._reader.page_of(mailbox, uid)
            if page is None:
                return _END, {}
            return page.last, self._reader.columns(page.id, kinds) or {}
        except (sqlite3.Error, FrameDamaged) as error:
            log.error("listing.unreadable", error=str(error))
            if is_damage(error):
                self._reader.close()
                self._reader = None  # its pages are not there from now on
                spawn(self._begin_anew(), "listing-anew")
            return _END, {}

    async def write(self, work: Callable[[PageFile], T]) -> T | None:
        """Run some work on the file in a thread, one at a time; None when it cannot be done now."""
        async with self._writing:
            if self._writer is None:
                return None
            try:
                return await asyncio.to_thread(work, self._writer)
            except (sqlite3.Error, FrameDamaged) as error:
                log.error("listing.not_written", error=str(error))
                if is_damage(error):
                    self._delete()
                return None

    async def _begin_anew(self) -> None:
        async with self._writing:
            self._delete()

    def _delete(self) -> None:
        """Begin a new file in place of a damaged one."""
        self._close()
        try:
            delete(self._path or Path())
        except OSError as error:
            log.error("listing.not_deleted", error=str(error))
            return
        self.open(self._lacks)

    def _close(self) -> None:
        reader, writer = self._reader, self._writer
        self._reader = self._writer = None
        for file in (reader, writer):
            if file is not None:
                file.close()


class ListingCursor:
    """Gives the places of messages in pages; the UIDs asked for must ascend."""

    def __init__(self, listing: Listing, mailbox: str, kinds: tuple[Kind, ...]) -> None:
        self._listing = listing
        self._mailbox = mailbox
        self._kinds = (Kind.KEYS, *kinds)
        self._last = 0
        self._places: dict[int, int] = {}
        self._uids: list[int] = []
        self._blobs: list[str] = []
        self.columns: Mapping[Kind, bytes] = {}
        """The columns of the present page."""
        self.pages = 0
        """Pages that were read."""
        self.octets = 0
        """Octets that were read since `take_octets`."""

    def place(self, uid: int, blob: str) -> int:
        """The place of a message in the present page, which may be a new one now; -1 when it has no record."""
        if uid > self._last:
            self._advance(uid)
        place = self._places.get(uid, -1)
        return place if place >= 0 and self._blobs[place] == blob else -1

    def run(self, uids: Sequence[int], blobs: Sequence[str], at: int) -> tuple[int, int]:
        """The place of the message `at` among these, and how many of them have the places from there on.

        It is found by comparing lists, because most readings want all messages. (-1, 0) without a record.
        """
        place = self.place(uids[at], blobs[at])
        if place < 0:
            return place, 0
        size = min(len(self._uids) - place, len(uids) - at)
        stop, end = place + size, at + size
        is_whole = (
            self._uids[stop - 1] == uids[end - 1]
            and self._uids[place:stop] == uids[at:end]
            and self._blobs[place:stop] == blobs[at:end]
        )
        return place, size if is_whole else 1

    @property
    def size(self) -> int:
        """The number of records in the present page."""
        return len(self._blobs)

    def take_octets(self) -> int:
        """The octets that were read since the last call."""
        octets, self.octets = self.octets, 0
        return octets

    def _advance(self, uid: int) -> None:
        self._last, self.columns = self._listing.page(self._mailbox, uid, self._kinds)
        self.pages += 1
        if not self.columns:
            self._places, self._uids, self._blobs = {}, [], []
            return
        keys = decode_keys(self.columns[Kind.KEYS])
        self._uids = keys.uids
        self._places, self._blobs = dict(zip(keys.uids, range(len(keys.uids)), strict=True)), keys.blobs
        self.octets += sum(map(len, self.columns.values()))
