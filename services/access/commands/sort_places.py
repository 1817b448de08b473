"""The places at which new messages enter a sorted result, found without sorting all of it again."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable, Sequence

from services.access.commands.sort_request import criteria_of
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import SortCriterion
from shared.rpc.mailfold.mailstore.v1 import ordering_pb2 as pb

_PROBES = 200
"""Results with which a new message is compared at a time."""
_FEW = 16
"""New messages that are placed one by one; when there are more, everything is sorted."""


class Stale(Exception):
    """A message of the result has gone meanwhile."""


class SortPlaces:
    """Finds places in the order of some criteria."""

    def __init__(self, session: ImapSession, selected: Selected, criteria: Sequence[SortCriterion]) -> None:
        self._session = session
        self._selected = selected
        self._criteria = criteria_of(criteria)

    async def insert(self, order: array[int], new: list[int]) -> list[tuple[int, int]]:
        """Insert messages into the order; returns position and UID of each, each right after those before it.

        Raises Stale, ServiceError.
        """
        if len(order) + len(new) <= _PROBES or len(new) > _FEW:
            return await self._insert_all(order, frozenset(new))
        placed = []
        for uid in new:
            place = await self._place(order, uid)
            order.insert(place, uid)
            placed.append((place + 1, uid))
        return placed

    async def _insert_all(self, order: array[int], new: frozenset[int]) -> list[tuple[int, int]]:
        everything = await self._sorted([*order, *new])
        order[:] = array("I", everything)
        return [(place + 1, uid) for place, uid in enumerate(everything) if uid in new]

    async def _place(self, order: array[int], uid: int) -> int:
        low, high = 0, len(order)
        while low < high:
            step = max((high - low) // _PROBES, 1)
            probes = range(low, high, step)
            before = (await self._sorted([uid, *(order[probe] for probe in probes)])).index(uid)
            low, high = (
                probes[before - 1] + 1 if before else low,
                probes[before] if before < len(probes) else high,
            )
        return low

    async def _sorted(self, uids: Iterable[int]) -> Sequence[int]:
        given = await asyncio.to_thread(NumberSet.of_numbers, list(uids))
        request = pb.SortRequest(
            account=self._selected.account,
            mailbox=self._selected.id,
            now=self._session.backend.clock.now(),
            criteria=self._criteria,
        )
        request.key.uids.bounds.extend([bound for span in given.ranges for bound in span])
        reply = await self._session.backend.ordering.sort(request)
        if len(reply.uids) != len(given):
            raise Stale
        return reply.uids
