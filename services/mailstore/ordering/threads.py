"""THREAD: what threading needs is read page by page, once; threads are found beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.mailstore.listing.summaries import MessageSummary
from services.mailstore.ordering.kept import KeptName, KeptOrders
from services.mailstore.ordering.matches import Extent, MatchingSummaries
from services.mailstore.ordering.memory import OrderingMemory
from services.mailstore.ordering.sort_keys import MOST_CHARACTERS, sent_date
from services.mailstore.search.compile import BadKey
from shared.protocol.imap.base_subject import base_subject
from shared.protocol.imap.collation import casemap
from shared.protocol.imap.thread_response import thread_pieces
from shared.protocol.imap.threading import (
    ThreadedMessage,
    ThreadForest,
    by_ordered_subject,
    by_references,
    by_refs,
)
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import ThreadRequest
from shared.turns import Turns

_A_MESSAGE, _A_NODE, _A_TEXT = 400, 200, 60
"""Octets of Python's own for a message, for a node of a thread and for a text."""
_MAKING = 40
"""The cost of a message, in keys compared."""
_FINDERS: Mapping[ThreadRequest.Algorithm.ValueType, Callable[[Sequence[ThreadedMessage]], ThreadForest]] = {
    ThreadRequest.ORDEREDSUBJECT: by_ordered_subject,
    ThreadRequest.REFERENCES: by_references,
    ThreadRequest.REFS: by_refs,
}


_Known = Mapping[int, ThreadedMessage]
"""What threading needs of messages, by UID. It is never changed: several requests use the same."""


class WholeThreads(NamedTuple):
    """The threads of all messages of a mailbox of this extent, as pieces of the answer."""

    extent: Extent
    pieces: Sequence[bytes]


class Threader:
    """Finds the threads of the matching messages of a mailbox.

    What is compared of messages is kept, and so are the threads of a whole mailbox.
    """

    def __init__(self, matching: MatchingSummaries, turns: Turns, megaoctets: int, kept: KeptOrders) -> None:
        self._matching = matching
        self._turns = turns
        self._megaoctets = megaoctets
        self._kept = kept

    async def threads(
        self, mailbox: str, key: SearchKey, now: int, algorithm: ThreadRequest.Algorithm.ValueType
    ) -> Sequence[bytes]:
        """The pieces of the answer, with UIDs. Raises MailboxRefused LIMIT."""
        find = _FINDERS.get(algorithm)
        if find is None:
            raise BadKey("the algorithm is of another release")
        name = KeptName[WholeThreads]("threads", algorithm)
        whole, kept = await self._matching.whole(mailbox, key), self._kept.get(mailbox, name)
        if whole is not None and kept is not None and kept.extent == whole.extent:
            return kept.pieces
        if whole is None:
            uids, _ = await self._matching.uids(mailbox, key, now)
        else:
            uids = await self._matching.all_uids(mailbox)
        messages, is_lasting = await self._messages(mailbox, uids, algorithm, is_whole=whole is not None)
        pieces = await asyncio.to_thread(lambda: list(thread_pieces(find(messages))))
        if whole is not None and is_lasting and len(messages) == whole.extent.messages:
            after = await self._matching.whole(mailbox, key)
            if after is not None and after.extent == whole.extent:  # nothing has come or gone while it was read
                self._kept.keep(mailbox, name, WholeThreads(whole.extent, pieces), sum(map(len, pieces)))
        return pieces

    async def _messages(
        self, mailbox: str, uids: Sequence[int], algorithm: ThreadRequest.Algorithm.ValueType, *, is_whole: bool
    ) -> tuple[list[ThreadedMessage], bool]:
        """The messages that are there, and whether all of them could be read."""
        by_subject = algorithm == ThreadRequest.ORDEREDSUBJECT
        name = KeptName[tuple[_Known, int]]("messages", by_subject)
        before, octets = self._kept.get(mailbox, name) or ({}, 0)
        known, made, is_lasting = before, _ThreadedMessages(OrderingMemory(self._megaoctets), by_subject), True
        lacking = [uid for uid in uids if uid not in known]
        if lacking:
            async for page in self._matching.read(mailbox, lacking, headers=True):
                for summary in page:
                    made.add(summary)
                    is_lasting = is_lasting and summary.is_read
                await self._turns.spend(keys=_MAKING * len(page))
            known = {**known, **made.messages}
        messages = [known[uid] for uid in uids if uid in known]
        await self._turns.spend(keys=len(uids) // 4)
        if is_lasting and (lacking or (is_whole and len(known) > len(messages))):
            if is_whole:
                known = {message.number: message for message in messages}
            self._kept.keep(mailbox, name, (known, octets + made.octets), octets + made.octets)
        return messages, is_lasting


class _ThreadedMessages:
    """What threading needs of the messages; an id that occurs often is held once."""

    def __init__(self, memory: OrderingMemory, by_subject: bool) -> None:
        self._memory = memory
        self._by_subject = by_subject
        """Whether subjects alone are compared."""
        self._texts: dict[str, str] = {}
        self.messages: dict[int, ThreadedMessage] = {}

    @property
    def octets(self) -> int:
        """The memory that the messages take."""
        return self._memory.taken

    def add(self, summary: MessageSummary) -> None:
        """Add a message. Raises MailboxRefused LIMIT."""
        base, is_reply = base_subject(summary.subject)
        subject = self._held(casemap(base[:MOST_CHARACTERS]))
        message_id, references = "", tuple[str, ...]()
        if not self._by_subject:
            message_id = self._held(summary.message_id)
            references = tuple([self._held(reference) for reference in _references(summary)])
        self._memory.take(_A_MESSAGE + 8 * len(references))
        self.messages[summary.uid] = ThreadedMessage(
            summary.uid, message_id, references, sent_date(summary), subject, is_reply
        )

    def _held(self, text: str) -> str:
        held = self._texts.get(text)
        if held is None:
            self._memory.take(len(text) + _A_TEXT + _A_NODE)
            held = self._texts[text] = text
        return held


def _references(summary: MessageSummary) -> tuple[str, ...]:
    """The ids of References, else the first of In-Reply-To (RFC 5256 §3, step 1)."""
    return summary.references or summary.in_reply_to[:1]
