"""Makes batches of messages for an engine."""

from __future__ import annotations

from services.indexer.domain.document import Document
from services.indexer.domain.engine import Batch, IndexEntry


class BatchBuilder:
    """Collects messages of a mailbox that are handed over together."""

    def __init__(self, mailbox: str, after: int) -> None:
        self._mailbox = mailbox
        self._after = after
        self.handed_over: set[bytes] = set()
        self._begin()

    def _begin(self) -> None:
        self.entries: list[IndexEntry] = []
        self.documents: dict[bytes, Document] = {}
        self.awaiting: dict[bytes, str] = {}
        self.unread: list[int] = []
        self.octets = 0

    def add(self, uid: int, document: Document, blob: str) -> None:
        """Add a message with its texts; `blob` is empty when it has no attachments to extract."""
        self.entries.append(IndexEntry(uid, document.key))
        self.documents[document.key] = document
        self.octets += len(document.header) + len(document.part_headers) + len(document.body)
        if blob:
            self.awaiting[document.key] = blob

    def taken(self, upto: int = 0) -> Batch:
        """The batch, which reaches up to its last message at least; begins another one."""
        last = max([upto, *(entry.uid for entry in self.entries[-1:]), *self.unread[-1:]])
        batch = Batch(self._mailbox, self.entries, self.documents, self.awaiting, self.unread, self._after, last)
        self.handed_over |= self.documents.keys()
        self._after = last
        self._begin()
        return batch
