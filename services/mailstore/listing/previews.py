"""The previews (RFC 8970) that a listing has of a mailbox's messages."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.listing.columns import Kind, decode_structures
from services.mailstore.listing.pages import Listing


class HeldPreviews:
    """The previews of one mailbox's messages, asked for in the order of UIDs."""

    def __init__(self, listing: Listing, mailbox: str) -> None:
        self._listing = listing
        self._mailbox = mailbox
        self._cursor = listing.cursor(mailbox, (Kind.PREVIEW,))
        self._page = 0
        self._previews: Sequence[str | None] = ()
        self._lacking = 0

    def of(self, uid: int, blob: str) -> str | None:
        """The preview of a message, if a page has it."""
        place = self._cursor.place(uid, blob)
        if place < 0:
            self._lacking += 1
            return None
        if self._page != self._cursor.pages:
            self._page = self._cursor.pages
            self._previews = [
                None if preview is None else preview.decode()
                for preview in decode_structures(self._cursor.columns[Kind.PREVIEW])
            ]
        return self._previews[place]

    def take_octets(self) -> int:
        """The octets of pages that were read since the last call."""
        return self._cursor.take_octets()

    def done(self) -> None:
        """To be called at the end of a reading."""
        self._listing.lacks(self._mailbox, self._lacking)
