"""What an engine of the text index does. One contract suite holds for all engines.

An engine knows messages by their place: the id of a mailbox and a UID there. A place never gets another content: ids of
mailboxes and UIDs are not used again. So an answer may be old, but never wrong; whoever asks drops places that no
longer exist, and reads messages at places that the answer does not cover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from services.indexer.domain.document import Document, IndexQuestion
from services.indexer.domain.word_query import WordQuery
from shared.protocol.imap.ranges import Ranges


class IndexUnavailable(Exception):
    """The engine cannot answer or store at the moment; the same is worth trying again."""


class QueryTooLarge(Exception):
    """A query has more words, or more levels, than the engine takes."""


class IndexEntry(NamedTuple):
    """A message in a mailbox, by the key of its texts."""

    uid: int
    key: bytes


class Batch(msgspec.Struct, frozen=True):
    """Messages of a mailbox, in the order of UIDs, and how far they reach."""

    mailbox: str
    entries: Sequence[IndexEntry]
    documents: Mapping[bytes, Document]
    """The texts that the engine lacks, by key."""
    awaiting: Mapping[bytes, str]
    """By the key of each message that has attachments to extract, its blob."""
    unread: Sequence[int]
    """UIDs of messages that could not be read; they are not covered until they were."""
    after: int
    """What `reached` said about the mailbox. An engine that has not reached it began anew and refuses the batch,
    because messages before it would be missing."""
    upto: int
    """Every message with this UID or a lower one was handed over now or before."""


class TextAnswer(msgspec.Struct, frozen=True):
    """What the index says about a mailbox."""

    covered: Ranges
    """The UIDs for which the answer holds. It may name UIDs that no longer exist."""
    hits: Sequence[Ranges]
    """For each question the covered UIDs that contain its text, exactly, within the bounds that were asked for."""


class Ranked(NamedTuple):
    """A message that has the words of a query."""

    mailbox: str
    uid: int
    score: float
    """Higher is better; comparable within one answer."""


class IndexState(msgspec.Struct, frozen=True):
    """How much of an account is indexed."""

    documents: int
    places: int
    unread: int
    awaiting: int
    """Messages whose attachments are not extracted yet."""
    octets: int
    """What the index of the account takes on disk, or in the engine as far as it can tell."""
    text_octets: int
    """Octets of the texts."""


class TextEngine(Protocol):
    """Keeps texts of messages and finds messages by them. All methods raise IndexUnavailable.

    Methods that change an account are called one at a time for each account; questions run beside them.
    """

    async def reached(self, account: str) -> Mapping[str, int]:
        """By mailbox, the UID up to which messages were handed over."""

    async def lacking(self, account: str, keys: Sequence[bytes]) -> Sequence[bytes]:
        """Those of the keys whose texts it does not have."""

    async def add(self, account: str, batch: Batch) -> None:
        """Keep the messages of a batch, all or none. A repeated batch changes nothing."""

    async def unread(self, account: str) -> Sequence[tuple[str, int]]:
        """The places of messages that could not be read, at most 1,000 of them."""

    async def awaiting(self, account: str, limit: int) -> Mapping[bytes, str]:
        """By key, the blobs of messages whose attachments are to be extracted."""

    async def attached(self, account: str) -> frozenset[str]:
        """The blobs of the messages that have attachments to extract, extracted or not."""

    async def await_again(self, account: str, blobs: Sequence[str]) -> None:
        """Note that the attachments of messages with these blobs are to be extracted again."""

    async def add_attachments(self, account: str, texts: Mapping[bytes, str]) -> None:
        """Keep the folded texts of attachments; an empty text says that there is none. Unknown keys are ignored."""

    async def answer(
        self, account: str, mailbox: str, bounds: tuple[int, int], questions: Sequence[IndexQuestion]
    ) -> TextAnswer:
        """TextAnswer questions about the messages of a mailbox between two UIDs."""

    async def rank(self, account: str, mailboxes: Sequence[str], query: WordQuery, limit: int) -> Sequence[Ranked]:
        """The messages that have the words of a query, best first; no mailboxes means all of them."""

    async def retain(self, account: str, mailbox: str, live: Ranges) -> int:
        """Forget the places of a mailbox that are not among `live` and not above `reached`; returns how many.

        Texts that no place needs any more are removed with them.
        """

    async def drop_mailbox(self, account: str, mailbox: str) -> None:
        """Forget a mailbox."""

    async def drop_account(self, account: str) -> None:
        """Forget an account and leave nothing of its texts behind, neither in files nor in the engine."""

    async def tend(self, account: str) -> None:
        """Do the upkeep that is due: merge, compact, give disk back. Called when the account is quiet."""

    async def state(self, account: str) -> IndexState:
        """How much is indexed."""

    async def accounts(self) -> Sequence[str]:
        """The accounts that have anything in the index."""

    def when_lost(self, call: Callable[[str], None]) -> None:
        """Call this with each account whose index begins anew, or with ALL_ACCOUNTS."""

    async def discard(self) -> None:
        """Delete the whole index, and close."""

    async def close(self) -> None:
        """Release all resources; nothing is lost."""


ALL_ACCOUNTS = ""


@runtime_checkable
class TextsElsewhere(Protocol):
    """What an engine has besides when another server keeps its texts."""

    async def serve(self) -> None:
        """Note that this index answers from now on. Raises IndexUnavailable."""

    async def octets(self) -> int:
        """What the texts take there. Raises IndexUnavailable."""
