"""The searches and sorts whose results a client follows: ADDTO and REMOVEFROM (RFC 5267 §4.3)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator
from itertools import chain

from services.access.adapters.mailstore import spans
from services.access.commands.search_key import Translation
from services.access.commands.sort_places import SortPlaces, Stale
from services.access.commands.sort_request import sorts_by_relevancy
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.grpc.errors import LimitReached
from shared.protocol.imap import commands as c
from shared.protocol.imap import response
from shared.protocol.imap.commands import SearchReturn
from shared.protocol.imap.esearch_response import Numbers, esearch, positions_item
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ordering_commands import Sort
from shared.protocol.imap.search_key import SearchKey, uses_numbers
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

_MOST_RESULTS = 100_000
"""Results, or ranges of them, that a followed search may have."""
_AT_ONCE, _A_PAIR = 500, 6
"""Results whose numbers are looked up at once, and the cost of one, in keys compared."""
_Pairs = list[tuple[int, Numbers]]


def is_reused(session: ImapSession, command: c.Search | Sort) -> bool:
    """Whether the tag is that of a search whose updates would be confused with this one's (RFC 5267 §4.3)."""
    is_updated = command.returns is not None and SearchReturn.UPDATE in command.returns
    return is_updated and command.tag in session.mailbox.updated


def begin(session: ImapSession, command: c.Search | Sort, uids: Numbers) -> None:
    """Follow the results of a search, or say that there are no updates (RFC 5267 §4.3.1)."""
    reason, selected = _refusal(session, command, uids), session.mailbox
    if reason:
        session.channel.write(response.no(response.UNTAGGED, reason, no_update(command.tag)))
    elif isinstance(command, Sort):
        selected.updated[command.tag] = FollowedSort(session, selected, command, array("I", uids))
    else:
        assert isinstance(uids, NumberSet)
        selected.updated[command.tag] = FollowedSearch(session, selected, command, uids)


# resp-text-code =/ "NOUPDATE" SP quoted
def no_update(tag: bytes) -> bytes:
    """The code that names a search without updates."""
    return b'NOUPDATE "%b"' % tag


def _refusal(session: ImapSession, command: c.Search | Sort, uids: Numbers) -> str:
    if len(session.mailbox.updated) >= session.backend.settings.search_updates:
        return "Too many searches are updated already"
    if uses_numbers(command.key):
        return "A search for sequence numbers is not updated"  # they name other messages after each EXPUNGE
    if isinstance(command, Sort) and sorts_by_relevancy(command):
        return "A sort by relevancy is not updated"  # the scores of all change with each message
    size = len(uids.ranges) if isinstance(uids, NumberSet) else len(uids)
    return "There are too many results to update" if size > _MOST_RESULTS else ""


class _Followed(ABC):
    """What followed searches and sorts have in common."""

    def __init__(self, session: ImapSession, selected: Selected, command: c.Search | Sort) -> None:
        self._session = session
        self._selected = selected
        self._tag = command.tag
        self._uid = command.uid
        self._key: SearchKey = command.key
        self._version = selected.version
        """The results are those of this version of the account, or of a later one."""

    async def changes(self) -> Iterator[bytes]:
        """The response that names what entered and left the results. Raises ServiceError."""
        version = self._selected.version
        if version <= self._version:
            return iter(())
        touched = await self._touched()
        try:
            removed, added = await self._changed(touched) if touched else ([], [])
        except Stale:
            return iter(())  # messages have gone that the client still counts; a later call asks again
        except LimitReached:
            self._selected.updated.pop(self._tag, None)
            return iter((response.no(response.UNTAGGED, "No more updates", no_update(self._tag)),))
        self._version = version
        return self._response(removed, added)

    @abstractmethod
    async def _changed(self, touched: NumberSet) -> tuple[_Pairs, _Pairs]:
        """What left and what entered the results. Raises ServiceError, Stale."""

    async def _touched(self) -> NumberSet:
        """The UIDs in the view that were added or changed since the results were last looked at."""
        selected, uids = self._selected, list[int]()
        request = pb.FetchRequest(
            account=selected.account,
            mailbox=selected.id,
            uids=pb.UidSet(bounds=[1, max(selected.runs.largest, 1)]),
            changed_since=self._version,
        )
        async for batch in self._session.backend.mailstore.fetch(request):
            uids += batch.uids
            await self._session.backend.turns.spend(keys=2 * len(batch.uids))
        return (
            NumberSet.of_numbers(uids) if len(uids) < _AT_ONCE else await asyncio.to_thread(NumberSet.of_numbers, uids)
        )

    async def _matching_key(self, touched: NumberSet) -> pb.SearchKey:
        """The key that finds the touched messages that belong to the results. Raises LimitReached."""
        selected, turns, session = self._selected, self._session.backend.turns, self._session
        translation = Translation(
            lambda sequence, uid: selected.matching(sequence, uid=uid, saved=session.saved, turns=turns),
            selected.recent,
            turns,
        )
        key = pb.SearchKey()
        key.all_of.keys.add().uids.CopyFrom(spans(touched))
        key.all_of.keys.append(await translation.contract_key(self._key))
        return key

    async def _matching(self, touched: NumberSet) -> NumberSet:
        request = pb.SearchRequest(
            account=self._selected.account,
            mailbox=self._selected.id,
            key=await self._matching_key(touched),
            now=self._session.backend.clock.now(),
        )
        reply = await self._session.backend.mailstore.search(request)
        bounds = [bound for page in reply.uids for bound in page.bounds]
        return NumberSet.of_sorted(zip(bounds[::2], bounds[1::2], strict=True))

    def _response(self, removed: _Pairs, added: _Pairs) -> Iterator[bytes]:
        if not removed and not added:
            return iter(())
        items = [positions_item("REMOVEFROM", removed), positions_item("ADDTO", added)]
        return esearch(self._tag, self._uid, items)

    def _shown(self, uid: int) -> int:
        return uid if self._uid else self._selected.runs.sequence_of(uid)


class FollowedSearch(_Followed):
    """A SEARCH: its results are in the order of the mailbox, so that every position is 0 (RFC 5267 §4.3.3)."""

    def __init__(self, session: ImapSession, selected: Selected, command: c.Search, uids: NumberSet) -> None:
        super().__init__(session, selected, command)
        self._uids = uids

    async def expunged(self, gone: NumberSet) -> Iterator[bytes]:
        """REMOVEFROM for results that are about to be expunged."""
        removed = self._uids.intersection(gone)
        self._uids = self._uids.difference(removed)
        return self._response(self._pairs(removed), [])

    async def _changed(self, touched: NumberSet) -> tuple[_Pairs, _Pairs]:
        matching = await self._matching(touched)
        removed = self._uids.intersection(touched).difference(matching)
        added = matching.difference(self._uids)
        self._uids = self._uids.difference(removed).union(added)
        return self._pairs(removed), self._pairs(added)

    def _pairs(self, uids: NumberSet) -> _Pairs:
        if not uids:
            return []
        return [(0, uids if self._uid else self._selected.runs.sequences_of(uids))]


class FollowedSort(_Followed):
    """A SORT: each result has a position, from 1 on."""

    def __init__(self, session: ImapSession, selected: Selected, command: Sort, uids: array[int]) -> None:
        super().__init__(session, selected, command)
        self._uids = uids
        self._places = SortPlaces(session, selected, command.criteria)

    async def expunged(self, gone: NumberSet) -> Iterator[bytes]:
        """REMOVEFROM for results that are about to be expunged."""
        return self._response(await self._remove(gone) if gone else [], [])

    async def _changed(self, touched: NumberSet) -> tuple[_Pairs, _Pairs]:
        if self._selected.withholds_expunges:
            raise Stale
        matching = await self._matching(touched)
        left, before = touched.difference(matching), await self._as_set()
        new = matching.difference(before)
        outdated = _members(left)
        order = array("I", [uid for uid in self._uids if uid not in outdated])
        placed = await self._places.insert(order, list(new)) if new else []
        removed = await self._remove(left)
        self._uids = order
        return removed, await self._pairs(placed)

    async def _as_set(self) -> NumberSet:
        """The results in the order of their UIDs; a large set is made beside the event loop."""
        if len(self._uids) < _AT_ONCE:
            return NumberSet.of_numbers(self._uids)
        return await asyncio.to_thread(NumberSet.of_numbers, self._uids)

    async def _remove(self, gone: NumberSet) -> _Pairs:
        """Remove results; each pair is right after those before it."""
        members = _members(gone)
        places = [place for place, uid in enumerate(self._uids) if uid in members]
        pairs = await self._pairs([(place + 1, self._uids[place]) for place in reversed(places)])
        self._uids = array("I", [uid for uid in self._uids if uid not in members])
        return pairs

    async def _pairs(self, placed: list[tuple[int, int]]) -> _Pairs:
        pairs: _Pairs = []
        for start in range(0, len(placed), _AT_ONCE):
            pairs += [(position, [self._shown(uid)]) for position, uid in placed[start : start + _AT_ONCE]]
            await self._session.backend.turns.spend(keys=_A_PAIR * _AT_ONCE)
        return pairs


def _members(uids: NumberSet) -> frozenset[int]:
    return frozenset(chain.from_iterable([range(first, last + 1) for first, last in uids.ranges]))
