"""What a query shows of found messages: a summary, and a snippet that says why a message was found (RFC 8621 §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from services.mailstore.domain.flags import Flags
from services.mailstore.finding.order import MatchPlace
from services.mailstore.projections.conditions import conditions
from services.mailstore.projections.current import source
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blob, Blobs
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.protocol.imap.ranges import ranges
from shared.protocol.message.scan import DisplayAddress, Scan, scan
from shared.protocol.message.search_texts import body_texts
from shared.protocol.search.hits import MOST_EXAMINED
from shared.protocol.search.query import QueryTree, SearchField
from shared.protocol.search.snippets import Snippet, keys_in, marked_subject, preview
from shared.scans import scan_of
from shared.turns import Turns

_COLUMNS = "uid, blob, size, internal_date, content, thread, system, keywords"
_ADDRESSES, _TEXT = 10, 1000
"""Senders, and characters of a text, that are shown."""
_PAGE_OCTETS = 64 * 1024 * 1024
"""Octets of messages of a page whose texts are looked at for snippets; the texts of further ones are not."""
_EMPTY = scan(b"")


class MatchRow(NamedTuple):
    """The row of a found message."""

    uid: int
    blob: str
    size: int
    internal_date: int
    content: str
    thread: str
    system: int
    keywords: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of its flags."""
        return Flags(self.system, self.keywords).names()


class ShownMatch(NamedTuple):
    """A found message as it is shown."""

    place: MatchPlace
    row: MatchRow
    subject: str
    senders: tuple[DisplayAddress, ...]
    has_attachment: bool
    marked_subject: Snippet | None
    snippet: Snippet | None


class MatchReader:
    """Reads the messages of a page."""

    def __init__(self, store: EventStore, blobs: Blobs, turns: Turns) -> None:
        self._store = store
        self._blobs = blobs
        self._turns = turns

    async def shown(self, places: Sequence[MatchPlace], tree: QueryTree) -> list[ShownMatch]:
        """The messages in these places that are still there."""
        rows: dict[tuple[str, int], MatchRow] = {}
        for mailbox in dict.fromkeys(place.mailbox for place in places):
            uids = sorted(place.uid for place in places if place.mailbox == mailbox)
            rows |= {(mailbox, row.uid): row for row in await self._store.read(_rows(mailbox, uids))}
            await self._turns.spend(rows=len(uids))
        shown, left = [], _PAGE_OCTETS
        for place in places:
            row = rows.get((place.mailbox, place.uid))
            if row is not None:
                shown.append(await self._message(place, row, tree, with_text=left > 0))
                left -= row.size
        return shown

    async def _message(self, place: MatchPlace, row: MatchRow, tree: QueryTree, *, with_text: bool) -> ShownMatch:
        try:
            blob = await self._blobs.read(BlobId(row.blob))
            scanned = await scan_of(self._blobs, blob)
            await self._turns.spend(files=1, octets=len(blob.scan))
            snippet = await asyncio.to_thread(_snippet, blob, scanned, tree) if with_text else None
        except BlobError:
            # The blob is missing or damaged, as `verify` will report. The message is shown without its texts.
            scanned, snippet = _EMPTY, None
        subject = scanned.subject[:_TEXT]
        marked = await asyncio.to_thread(marked_subject, subject, keys_in(tree, SearchField.SUBJECT))
        senders = tuple((name[:_TEXT], address[:_TEXT]) for name, address in scanned.from_[:_ADDRESSES])
        return ShownMatch(place, row, subject, senders, scanned.has_attachments, marked, snippet)


def _snippet(blob: Blob, scanned: Scan, tree: QueryTree) -> Snippet | None:
    keys = keys_in(tree, SearchField.BODY)
    return preview(["".join(_beginning(body_texts(blob, scanned)))], keys) if keys else None


def _beginning(texts: Iterable[str]) -> Iterator[str]:
    """The beginning of a text in which hits are looked for."""
    left = MOST_EXAMINED
    for text in texts:
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return


def _rows(mailbox: str, uids: Sequence[int]) -> Callable[[Reader], list[MatchRow]]:
    def ask(reader: Reader) -> list[MatchRow]:
        select = f"SELECT {_COLUMNS} FROM {source(reader, mailbox)} WHERE mailbox = ? AND "  # noqa: S608
        pages = (reader.all(select + text, (mailbox, *parameters)) for text, parameters in conditions(ranges(uids)))
        return [MatchRow(*row) for row in chain.from_iterable(pages)]

    return ask
