"""A text index that keeps documents in memory and compares each text: the model of what an engine answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.indexer.domain.document import Document, IndexQuestion, SearchedPart
from services.indexer.domain.engine import Batch, IndexState, IndexUnavailable, Ranked, TextAnswer
from services.indexer.domain.word_query import WordQuery
from shared.protocol.imap.ranges import Ranges, common, ranges, without


class _Account:
    def __init__(self) -> None:
        self.reached: dict[str, int] = {}
        self.places: dict[tuple[str, int], bytes] = {}
        self.documents: dict[bytes, Document] = {}
        self.unread: set[tuple[str, int]] = set()
        self.awaiting: dict[bytes, str] = {}
        self.attachments: dict[bytes, str] = {}


class NaiveEngine:
    """An engine without an index. `is_away` makes it unavailable."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self.is_away = False
        self.batches = 0

    async def reached(self, account: str) -> Mapping[str, int]:
        return dict(self._of(account).reached)

    async def lacking(self, account: str, keys: Sequence[bytes]) -> Sequence[bytes]:
        documents = self._of(account).documents
        return [key for key in keys if key not in documents]

    async def add(self, account: str, batch: Batch) -> None:
        known = self._of(account)
        self._accounts[account] = known
        self.batches += 1
        if batch.after > known.reached.get(batch.mailbox, 0):
            raise IndexUnavailable("the index began anew")
        known.documents |= batch.documents
        known.awaiting |= {key: blob for key, blob in batch.awaiting.items() if key not in known.attachments}
        for uid, key in batch.entries:
            assert key in known.documents
            known.places[batch.mailbox, uid] = key
            known.unread.discard((batch.mailbox, uid))
        known.unread |= {(batch.mailbox, uid) for uid in batch.unread}
        known.reached[batch.mailbox] = max(batch.upto, known.reached.get(batch.mailbox, 0))

    async def unread(self, account: str) -> Sequence[tuple[str, int]]:
        return sorted(self._of(account).unread)[:1000]

    async def awaiting(self, account: str, limit: int) -> Mapping[bytes, str]:
        return dict(list(self._of(account).awaiting.items())[:limit])

    async def attached(self, account: str) -> frozenset[str]:
        return frozenset(self._of(account).awaiting.values())

    async def await_again(self, account: str, blobs: Sequence[str]) -> None:
        pass

    async def add_attachments(self, account: str, texts: Mapping[bytes, str]) -> None:
        known = self._of(account)
        for key, text in texts.items():
            if key in known.documents:
                known.attachments[key] = text
                known.awaiting.pop(key, None)

    async def answer(
        self, account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexQuestion]
    ) -> TextAnswer:
        known = self._of(account)
        reached = known.reached.get(mailbox, 0)
        unread = ranges(sorted(uid for box, uid in known.unread if box == mailbox))
        covered = without(common(((1, reached),), (bounds,)) if reached else (), unread)
        uids = sorted(uid for box, uid in known.places if box == mailbox and bounds[0] <= uid <= bounds[1])
        hits = [
            common(covered, ranges(uid for uid in uids if self._contains(known, known.places[mailbox, uid], question)))
            for question in questions
        ]
        return TextAnswer(covered, hits)

    async def rank(self, account: str, mailboxes: Sequence[str], query: WordQuery, limit: int) -> Sequence[Ranked]:
        raise NotImplementedError

    async def retain(self, account: str, mailbox: str, live: Ranges) -> int:
        known = self._of(account)
        reached = known.reached.get(mailbox, 0)
        alive = {uid for first, last in live for uid in range(first, last + 1)}
        gone = [
            place for place in known.places if place[0] == mailbox and place[1] not in alive and place[1] <= reached
        ]
        for place in gone:
            del known.places[place]
        known.unread = {place for place in known.unread if place[0] != mailbox or place[1] in alive}
        self._drop_unneeded(known)
        return len(gone)

    async def drop_mailbox(self, account: str, mailbox: str) -> None:
        known = self._of(account)
        known.places = {place: key for place, key in known.places.items() if place[0] != mailbox}
        known.unread = {place for place in known.unread if place[0] != mailbox}
        known.reached.pop(mailbox, None)
        self._drop_unneeded(known)

    async def drop_account(self, account: str) -> None:
        self._of(account)
        self._accounts.pop(account, None)

    async def tend(self, account: str) -> None:
        self._of(account)

    async def state(self, account: str) -> IndexState:
        known = self._of(account)
        return IndexState(
            len(known.documents), len(known.places), len(known.unread), len(known.awaiting), octets=0, text_octets=0
        )

    async def accounts(self) -> Sequence[str]:
        return sorted(self._accounts)

    def when_lost(self, call: Callable[[str], None]) -> None:
        pass

    async def discard(self) -> None:
        self._accounts.clear()

    async def close(self) -> None:
        pass

    def _of(self, account: str) -> _Account:
        if self.is_away:
            raise IndexUnavailable("the engine is away")
        return self._accounts.get(account) or _Account()

    @staticmethod
    def _drop_unneeded(known: _Account) -> None:
        needed = set(known.places.values())
        for texts in (known.documents, known.awaiting, known.attachments):
            for key in [key for key in texts if key not in needed]:
                del texts[key]

    @staticmethod
    def _contains(known: _Account, key: bytes, question: IndexQuestion) -> bool:
        document = known.documents[key]
        match question.kind:
            case SearchedPart.FIELD:
                return any(question.text in text for name, text in document.fields if name == question.name)
            case SearchedPart.BODY:
                return question.text in document.body
            case SearchedPart.TEXT:
                parts = document.header, document.part_headers, document.body
                return any(question.text in text for text in parts)
            case SearchedPart.ATTACHMENTS:
                return question.text in known.attachments.get(key, "")
