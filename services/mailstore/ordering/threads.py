"""THREAD: what threading needs is read page by page; threads are found beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from services.mailstore.listing.summaries import MessageSummary
from services.mailstore.ordering.matches import MatchingSummaries
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


class Threader:
    """Finds the threads of the matching messages of a mailbox."""

    def __init__(self, matching: MatchingSummaries, turns: Turns, megaoctets: int) -> None:
        self._matching = matching
        self._turns = turns
        self._megaoctets = megaoctets

    async def threads(
        self, mailbox: str, key: SearchKey, now: int, algorithm: ThreadRequest.Algorithm.ValueType
    ) -> list[bytes]:
        """The pieces of the answer, with UIDs. Raises MailboxRefused LIMIT."""
        find = _FINDERS.get(algorithm)
        if find is None:
            raise BadKey("the algorithm is of another release")
        made = _ThreadedMessages(OrderingMemory(self._megaoctets), algorithm)
        async for page, _ in self._matching.read(mailbox, key, now, headers=True):
            for summary in page:
                made.add(summary)
            await self._turns.spend(keys=_MAKING * len(page))
        return await asyncio.to_thread(lambda: list(thread_pieces(find(made.messages))))


class _ThreadedMessages:
    """What threading needs of the messages; an id that occurs often is held once."""

    def __init__(self, memory: OrderingMemory, algorithm: ThreadRequest.Algorithm.ValueType) -> None:
        self._memory = memory
        self._by_subject = algorithm != ThreadRequest.REFS
        self._by_reference = algorithm != ThreadRequest.ORDEREDSUBJECT
        self._texts: dict[str, str] = {}
        self.messages: list[ThreadedMessage] = []

    def add(self, summary: MessageSummary) -> None:
        """Add a message. Raises MailboxRefused LIMIT."""
        subject, is_reply = "", False
        if self._by_subject:
            base, is_reply = base_subject(summary.subject)
            subject = self._held(casemap(base[:MOST_CHARACTERS]))
        message_id, references = "", tuple[str, ...]()
        if self._by_reference:
            message_id = self._held(summary.message_id)
            references = tuple([self._held(reference) for reference in _references(summary)])
        self._memory.take(_A_MESSAGE + 8 * len(references))
        self.messages.append(
            ThreadedMessage(summary.uid, message_id, references, sent_date(summary), subject, is_reply)
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
