"""Searches whose results are kept up to date for a client (RFC 5267 §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from shared.protocol.imap.number_set import NumberSet


class UpdatedSearch(Protocol):
    """A search in the selected mailbox whose results the client follows."""

    async def expunged(self, gone: NumberSet) -> Iterator[bytes]:
        """What to write before the EXPUNGE responses for these UIDs (RFC 5267 §4.3.4)."""

    async def changes(self) -> Iterator[bytes]:
        """What to write when the client knows all messages of the view. Raises ServiceError."""
