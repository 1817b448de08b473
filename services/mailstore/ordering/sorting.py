"""SORT: keys are made and sorted in pieces; other requests are served in between."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from services.mailstore.ordering.matches import MatchingSummaries
from services.mailstore.ordering.memory import OrderingMemory
from services.mailstore.ordering.sort_keys import ROW_FIELDS, sort_key, uid_of
from shared.long_sort import PIECE, merged
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion
from shared.turns import Turns

_A_KEY = 40
"""Octets of Python's own for a key."""
_MAKING, _SORTING, _MERGING = 16, 3, 8
"""The costs of making, sorting and merging a key, in keys compared."""
_MERGED_AT_ONCE = 500


class Sorted(NamedTuple):
    """The UIDs in order, and the highest MODSEQ among the messages."""

    uids: Sequence[int]
    highest_modseq: int


class Sorter:
    """Sorts the matching messages of a mailbox."""

    def __init__(self, matching: MatchingSummaries, turns: Turns, megaoctets: int) -> None:
        self._matching = matching
        self._turns = turns
        self._megaoctets = megaoctets

    async def sort(self, mailbox: str, key: SearchKey, now: int, criteria: Sequence[SortCriterion]) -> Sorted:
        """Sort by the criteria, then by UID. Raises MailboxRefused LIMIT."""
        memory, key_of = OrderingMemory(self._megaoctets), sort_key(criteria)
        headers = any(criterion.field not in ROW_FIELDS for criterion in criteria)
        pieces: list[list[bytes]] = []
        held: list[bytes] = []
        highest = 0
        async for page, modseq in self._matching.read(mailbox, key, now, headers=headers):
            keys = [key_of(summary) for summary in page]
            memory.take(sum(map(len, keys)) + _A_KEY * len(keys))
            await self._turns.spend(keys=_MAKING * len(criteria) * len(keys))
            highest = max(highest, modseq)
            held += keys
            if len(held) >= PIECE:
                pieces.append(await self._sorted(held))
                held = []
        if held:
            pieces.append(await self._sorted(held))
        return Sorted(await self._merged(pieces), highest)

    async def _sorted(self, keys: list[bytes]) -> list[bytes]:
        keys.sort()
        await self._turns.spend(keys=_SORTING * len(keys))
        return keys

    async def _merged(self, pieces: list[list[bytes]]) -> array[int]:
        uids = array("I")
        if not pieces:
            return uids
        keys = merged(pieces)
        while batch := [uid_of(key) for key in islice(keys, _MERGED_AT_ONCE)]:
            uids.extend(batch)
            await self._turns.spend(keys=_MERGING * len(batch))
        return uids
