"""ENVELOPE, BODY and BODYSTRUCTURE of messages for a listing: from its pages, else from the messages' own scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.mailstore.listing.columns import Kind, decode_structures
from services.mailstore.listing.pages import Listing
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blobs
from shared.protocol.message.scan import Scan, scan
from shared.scans import scan_of
from shared.turns import Turns

_EMPTY = scan(b"")


class Structures:
    """The structures of one mailbox's messages, asked for in the order of UIDs.

    They are in the form before ENABLE; the session makes the other form of the few that hold 8-bit texts.
    """

    def __init__(self, listing: Listing, blobs: Blobs, turns: Turns, mailbox: str, kinds: Iterable[Kind]) -> None:
        self._listing = listing
        self._blobs = blobs
        self._turns = turns
        self._mailbox = mailbox
        self._kinds = tuple(kinds)
        self._cursor = listing.cursor(mailbox, self._kinds)
        self._page = 0
        self._ready: Sequence[bytes | None] = ()
        self._lacking = 0

    def held(self, uids: Sequence[int], blobs: Sequence[str], at: int = 0) -> Sequence[bytes | None]:
        """The named structures of some of these messages, from `at` on, ready to be sent; none when no page has it."""
        place, size = self._cursor.run(uids, blobs, at)
        if size == 0:
            return ()
        if self._page != self._cursor.pages:
            self._load()
        return self._ready[place : place + size]

    async def of(self, uid: int, blob: str) -> bytes:
        """The named structures of a message, ready to be sent."""
        held = self.held([uid], [blob])
        if held and held[0] is not None:
            return held[0]
        self._lacking += 1
        scanned = await self._scan(blob)
        wires = {Kind.ENVELOPE: scanned.envelope, Kind.BODY: scanned.body, Kind.BODYSTRUCTURE: scanned.bodystructure}
        return b" ".join([self._named(kind, wires[kind]) for kind in self._kinds])

    def take_octets(self) -> int:
        """The octets of pages that were read since the last call."""
        return self._cursor.take_octets()

    def done(self) -> None:
        """To be called at the end of a reading."""
        self._listing.lacks(self._mailbox, self._lacking)

    def _load(self) -> None:
        self._page = self._cursor.pages
        columns = [
            [wire and name + wire for wire in decode_structures(self._cursor.columns[kind])]
            for kind, name in ((kind, self._named(kind, b"")) for kind in self._kinds)
        ]
        if len(columns) == 1:
            self._ready = columns[0]
        else:
            self._ready = [None if None in wires else b" ".join(wires) for wires in zip(*columns, strict=True)]

    def _named(self, kind: Kind, wire: bytes) -> bytes:
        return kind.name.encode() + b" " + wire

    async def _scan(self, blob: str) -> Scan:
        try:
            stored = await self._blobs.read(BlobId(blob))
            await self._turns.spend(files=1, octets=len(stored.scan))
            return await scan_of(self._blobs, stored)
        except BlobError:
            # The blob is missing or damaged, as `verify` will report. The client must still be able to open the
            # mailbox.
            return _EMPTY
