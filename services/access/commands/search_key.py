"""Translates a parsed search key to the mailstore's contract; sequence numbers become UIDs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.access.adapters.mailstore import spans
from shared.grpc.errors import LimitReached
from shared.protocol.imap import search_key as k
from shared.protocol.imap.flags import RECENT
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.sequence import SequenceSet
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns

MAX_RANGES = 100_000
"""Ranges in all sets of one search together."""
_A_KEY = 14
"""The cost of translating a key, in keys compared."""
Resolve = Callable[[SequenceSet, bool], Awaitable[NumberSet]]
"""Returns the UIDs of a set; the flag says that the set contains UIDs."""


class Translation:
    """The translation of one search.

    `recent` holds the UIDs of the \\Recent messages, which the mailstore does not know.
    """

    def __init__(self, resolve: Resolve, recent: NumberSet, turns: Turns) -> None:
        self._resolve = resolve
        self._recent = recent
        self._turns = turns
        self._left = MAX_RANGES

    async def contract_key(self, key: k.SearchKey) -> pb.SearchKey:
        """Translate a key; the grammar bounds its depth.

        Raises LimitReached when its sets have too many ranges together, because `$` may have thousands of ranges and
        occur often.
        """
        await self._turns.spend(keys=_A_KEY)
        match key:
            case k.And(keys):
                return pb.SearchKey(key="and", keys=[await self.contract_key(inner) for inner in keys])
            case k.Or(keys):
                return pb.SearchKey(key="or", keys=[await self.contract_key(inner) for inner in keys])
            case k.Not(inner):
                return _not(await self.contract_key(inner))
            case k.Uid(uids):
                return self._uids(await self._resolve(uids, True))
            case k.SeqSet(numbers):
                return self._uids(await self._resolve(numbers, False))
            case k.Flag(flag, is_set) if flag == RECENT:
                return self._uids(self._recent) if is_set else _not(self._uids(self._recent))
            case _:
                return _leaf(key)

    def _uids(self, uids: NumberSet) -> pb.SearchKey:
        self._left -= len(uids.ranges)
        if self._left < 0:
            raise LimitReached(f"the sets of a search have at most {MAX_RANGES} ranges", "LIMIT")
        return pb.SearchKey(key="uid", uids=spans(uids))


def _not(key: pb.SearchKey) -> pb.SearchKey:
    return pb.SearchKey(key="not", keys=[key])


def _leaf(key: k.SearchKey) -> pb.SearchKey:
    match key:
        case k.Flag(flag, is_set):
            return pb.SearchKey(key="flag", name=flag, number=int(is_set))
        case k.Header(field, text):
            return pb.SearchKey(key="header", name=field, text=text)
        case k.Body(text):
            return pb.SearchKey(key="body", text=text)
        case k.Text(text):
            return pb.SearchKey(key="text", text=text)
        case k.InternalDate(test, day):
            return pb.SearchKey(key="internaldate", name=test, text=day.isoformat())
        case k.SentDate(test, day):
            return pb.SearchKey(key="sentdate", name=test, text=day.isoformat())
        case _:
            return _number(key)


def _number(key: k.SearchKey) -> pb.SearchKey:
    match key:
        case k.Larger(octets):
            return pb.SearchKey(key="larger", number=octets)
        case k.Smaller(octets):
            return pb.SearchKey(key="smaller", number=octets)
        case k.Older(seconds):
            return pb.SearchKey(key="older", number=seconds)
        case k.Younger(seconds):
            return pb.SearchKey(key="younger", number=seconds)
        case k.Modseq(modseq):
            return pb.SearchKey(key="modseq", number=modseq)
        case k.EmailId(text):
            return pb.SearchKey(key="emailid", text=text)
        case k.ThreadId(text):
            return pb.SearchKey(key="threadid", text=text)
        case _:
            return pb.SearchKey(key="all")
