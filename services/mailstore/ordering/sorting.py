"""SORT: keys are made and sorted in pieces; other requests are served in between.

The sorted keys of a mailbox are kept. A later SORT by the same criteria makes keys for the messages that it does not
know yet, and the order of any search is a part of the kept order.
"""

from __future__ import annotations

from array import array
from bisect import insort
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from services.mailstore.ordering.kept import KeptName, KeptOrders
from services.mailstore.ordering.matches import Extent, MatchingSummaries
from services.mailstore.ordering.memory import OrderingMemory
from services.mailstore.ordering.sort_keys import ROW_FIELDS, UID_OCTETS, SortKey, sort_key, uids_of
from services.mailstore.search.relevancy import FuzzyScores
from shared.long_sort import PIECE, merged
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey
from shared.rpc.mailfold.mailstore.v1.ordering_pb2 import SortCriterion
from shared.turns import Turns

_A_KEY = 40
"""Octets of Python's own for a key."""
_MAKING, _SORTING, _MERGING = 16, 3, 8
"""The costs of making, sorting and merging a key, in keys compared."""
_MADE_AT_ONCE = _MERGED_AT_ONCE = 500
_CHOSEN_AT_ONCE = 5000
_UIDS_OF_A_KEY = 8
"""UIDs that are looked up, or keys that are copied, in the time in which a key is compared."""
_FEW = 64
"""Keys that are put into their places instead of merging all."""


class Sorted(NamedTuple):
    """The UIDs in order, and the highest MODSEQ among the messages."""

    uids: Sequence[int]
    highest_modseq: int


class KeyOrder(NamedTuple):
    """Messages in order. It is never changed: several requests use the same."""

    keys: Sequence[bytes]
    uids: array[int]
    extent: Extent | None = None
    """Set when these are all messages of a mailbox that has this extent."""

    @property
    def octets(self) -> int:
        """The memory that it takes."""
        return sum(map(len, self.keys)) + (_A_KEY + UID_OCTETS) * len(self.keys)


class Sorter:
    """Sorts the matching messages of a mailbox."""

    def __init__(self, matching: MatchingSummaries, turns: Turns, megaoctets: int, kept: KeptOrders) -> None:
        self._matching = matching
        self._turns = turns
        self._megaoctets = megaoctets
        self._kept = kept

    async def sort_by_scores(
        self, mailbox: str, key: SearchKey, now: int, criteria: Sequence[SortCriterion], scores: FuzzyScores
    ) -> Sorted:
        """Sort by criteria with RELEVANCY among them; such an order is not kept. Raises MailboxRefused LIMIT."""
        uids, highest = await self._matching.uids(mailbox, key, now)
        made = await self._with_all(mailbox, KeyOrder((), array("I")), uids, sort_key(criteria, scores), criteria)
        return Sorted(made.order.uids, highest)

    async def sort(self, mailbox: str, key: SearchKey, now: int, criteria: Sequence[SortCriterion]) -> Sorted:
        """Sort by the criteria, then by UID. Raises MailboxRefused LIMIT."""
        name = KeptName[KeyOrder](*((criterion.field, criterion.reverse) for criterion in criteria))
        order = self._kept.get(mailbox, name) or KeyOrder((), array("I"))
        whole = await self._matching.whole(mailbox, key)
        if whole is None:
            uids, highest = await self._matching.uids(mailbox, key, now)
        elif whole.extent == order.extent:
            return Sorted(order.uids, whole.highest_modseq)
        else:
            uids, highest = await self._matching.all_uids(mailbox), whole.highest_modseq
        made = await self._with_all(mailbox, order, uids, sort_key(criteria), criteria)
        chosen = await self._chosen(made.order, uids)
        if whole is not None and len(chosen.uids) == whole.extent.messages:
            after = await self._matching.whole(mailbox, key)  # nothing has come or gone while it was read
            chosen = chosen._replace(extent=after.extent if after and after.extent == whole.extent else None)
            made = made._replace(order=chosen)
        if made.is_lasting and made.order is not order:
            self._kept.keep(mailbox, name, made.order, made.order.octets)
        return Sorted(chosen.uids, highest)

    async def _with_all(
        self,
        mailbox: str,
        order: KeyOrder,
        uids: Sequence[int],
        key_of: SortKey,
        criteria: Sequence[SortCriterion],
    ) -> _Made:
        """An order that has all these messages, in addition to those that it has."""
        known = frozenset(order.uids)
        lacking = [uid for uid in uids if uid not in known]
        await self._turns.spend(keys=(len(order.uids) + len(uids)) // _UIDS_OF_A_KEY)
        if not lacking:
            return _Made(order, is_lasting=True)
        memory, is_lasting = OrderingMemory(self._megaoctets), True
        headers = any(criterion.field not in ROW_FIELDS for criterion in criteria)
        keys: list[bytes] = []
        async for page in self._matching.read(mailbox, lacking, headers=headers):
            for start in range(0, len(page), _MADE_AT_ONCE):
                piece = page[start : start + _MADE_AT_ONCE]
                added = [key_of(summary) for summary in piece]
                memory.take(sum(map(len, added)) + _A_KEY * len(added))
                is_lasting = is_lasting and all(summary.is_read for summary in piece)
                keys += added
                await self._turns.spend(keys=_MAKING * len(criteria) * len(added))
        merged_keys = await self._merged(order.keys, keys)
        return _Made(KeyOrder(merged_keys, await self._uids(merged_keys)), is_lasting)

    async def _merged(self, ordered: Sequence[bytes], keys: list[bytes]) -> Sequence[bytes]:
        """Both kinds of keys in one order."""
        if len(keys) <= _FEW:
            result = list(ordered)
            for key in keys:
                insort(result, key)
            await self._turns.spend(keys=len(result) // _UIDS_OF_A_KEY)
            return result
        pieces = [list(ordered)] if ordered else []
        for start in range(0, len(keys), PIECE):
            piece = sorted(keys[start : start + PIECE])
            await self._turns.spend(keys=_SORTING * len(piece))
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else await self._in_turns(merged(pieces))

    async def _in_turns(self, keys: Iterator[bytes]) -> list[bytes]:
        result: list[bytes] = []
        while batch := list(islice(keys, _MERGED_AT_ONCE)):
            result += batch
            await self._turns.spend(keys=_MERGING * len(batch))
        return result

    async def _uids(self, keys: Sequence[bytes]) -> array[int]:
        uids = array("I")
        for start in range(0, len(keys), _CHOSEN_AT_ONCE):
            uids.extend(uids_of(keys[start : start + _CHOSEN_AT_ONCE]))
            await self._turns.spend(keys=min(_CHOSEN_AT_ONCE, len(keys)) // 2)
        return uids

    async def _chosen(self, order: KeyOrder, uids: Sequence[int]) -> KeyOrder:
        """The part of an order that has these messages."""
        chosen = frozenset(uids)
        await self._turns.spend(keys=len(uids) // _UIDS_OF_A_KEY)
        if chosen.issuperset(order.uids):
            return order
        keys: list[bytes] = []
        numbers = array("I")
        for start in range(0, len(order.uids), _CHOSEN_AT_ONCE):
            piece = order.uids[start : start + _CHOSEN_AT_ONCE]
            places = [place for place, uid in enumerate(piece, start) if uid in chosen]
            keys += [order.keys[place] for place in places]
            numbers.extend([order.uids[place] for place in places])
            await self._turns.spend(keys=len(piece) // 2)
        return KeyOrder(keys, numbers)


class _Made(NamedTuple):
    """An order, and whether it may be kept: not when a message could not be read."""

    order: KeyOrder
    is_lasting: bool
