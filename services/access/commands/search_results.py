"""The results of a searching command in the form that it asked for: ESEARCH and `$` (RFC 4731, RFC 5182, RFC 9394)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from services.access.adapters.mailstore import spans
from services.access.session.selected import Selected
from services.access.session.session import ImapSession
from shared.protocol.imap.commands import PartialRange, SearchReturn
from shared.protocol.imap.esearch_response import Numbers, number_item, partial_item, relevancy_item, set_item
from shared.protocol.imap.number_set import NumberSet
from shared.protocol.imap.ranges import Range
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.turns import Turns

_RANGES_A_PAGE = 500
_NUMBERS_A_PAGE = 500
_A_LOOK_UP = 3
"""The cost of finding a sequence number, in keys compared."""
_FEW = 20_000
"""Numbers that may be sorted on the event loop."""
_OTHERS = frozenset({SearchReturn.SAVE, SearchReturn.UPDATE, SearchReturn.CONTEXT})
"""Options that return nothing."""
_SOME = frozenset({SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL})
"""Options that return some of the results."""


class Results(NamedTuple):
    """The UIDs that a searching command found, in its order, and the highest MODSEQ among them."""

    uids: Numbers
    highest_modseq: int = 0
    relevancy: bytes = b""
    """The score of each, if asked for."""


class ReturnOptions(NamedTuple):
    """The options of a searching command."""

    options: frozenset[SearchReturn]
    partial: PartialRange | None = None
    modseq: bool = False
    """Whether the highest MODSEQ is to be reported (RFC 7162 §3.1.5)."""

    @property
    def has_some(self) -> bool:
        """Whether only some of the results are returned."""
        shown = self.options - _OTHERS
        return bool(shown) and shown <= _SOME


async def shown_numbers(selected: Selected, uids: Numbers, turns: Turns, *, uid: bool) -> Numbers:
    """The results as UIDs or sequence numbers, as the client asked."""
    if uid:
        return uids
    if isinstance(uids, NumberSet):
        ranges: list[Range] = []
        for page in uids.pages(_RANGES_A_PAGE):
            ranges += selected.runs.sequences_of(page).ranges
            await turns.spend(keys=2 * _RANGES_A_PAGE)
        return NumberSet.of_sorted(ranges)
    sequences: list[int] = []
    for start in range(0, len(uids), _NUMBERS_A_PAGE):
        sequences += selected.runs.sequences_in_order(uids[start : start + _NUMBERS_A_PAGE])
        await turns.spend(keys=_A_LOOK_UP * _NUMBERS_A_PAGE)
    return sequences


def items(returned: ReturnOptions, shown: Numbers, relevancy: bytes = b"") -> list[Iterable[bytes]]:
    """The items of an ESEARCH response, but for MODSEQ. An empty result has COUNT and PARTIAL only (RFC 4731 §3.1)."""
    options, made = returned.options, list[Iterable[bytes]]()
    if shown:
        made += [number_item("MIN", _first(shown))] if SearchReturn.MIN in options else []
        made += [number_item("MAX", _last(shown))] if SearchReturn.MAX in options else []
        made += [set_item("ALL", shown)] if SearchReturn.ALL in options else []
    if SearchReturn.COUNT in options:
        made.append(number_item("COUNT", len(shown)))
    if returned.partial is not None:
        made.append(partial_item(returned.partial, window(shown, returned.partial)))
    if SearchReturn.RELEVANCY in options and (shown or returned.partial is not None):
        made.append(relevancy_item(_listed_scores(returned, relevancy)))
    return made


def _listed_scores(returned: ReturnOptions, relevancy: bytes) -> bytes:
    """The scores of the results in the order of ALL; with PARTIAL, of its part."""
    if returned.partial is None:
        return relevancy
    listed = window(relevancy, returned.partial)
    return bytes(listed) if listed else b""


async def scores_of(reply: pb.SearchReply, uids: NumberSet) -> bytes:
    """The scores of those messages of an answer that are in the view."""
    if len(uids) == len(reply.relevancy):
        return reply.relevancy
    return await asyncio.to_thread(_chosen_scores, reply, uids)


def _chosen_scores(reply: pb.SearchReply, uids: NumberSet) -> bytes:
    bounds = [bound for page in reply.uids for bound in page.bounds]
    spans_of = zip(bounds[::2], bounds[1::2], strict=True)
    numbers = chain.from_iterable(range(first, last + 1) for first, last in spans_of)
    scores = dict(zip(numbers, reply.relevancy, strict=True))
    return bytes(scores[uid] for first, last in uids.ranges for uid in range(first, last + 1))


async def modseq_item(
    session: ImapSession, returned: ReturnOptions, results: Results, account: str, mailbox: str
) -> tuple[bytes, ...]:
    """The MODSEQ of the results that are returned: with MIN, MAX and PARTIAL alone only of those (RFC 7162 §3.1.10)."""
    if not returned.has_some:
        return number_item("MODSEQ", results.highest_modseq)
    request = pb.FetchRequest(account=account, mailbox=mailbox, uids=spans(await _some(returned, results.uids)))
    modseqs = [modseq async for batch in session.backend.mailstore.fetch(request) for modseq in batch.modseqs]
    return number_item("MODSEQ", max(modseqs, default=results.highest_modseq))


async def saved(returned: ReturnOptions, uids: Numbers) -> NumberSet:
    """The results for `$`. With MIN, MAX and PARTIAL alone, only those (RFC 5182 §2.1, RFC 9394 §3.2)."""
    return await (_some(returned, uids) if returned.has_some else _as_set(uids))


async def _some(returned: ReturnOptions, uids: Numbers) -> NumberSet:
    if not uids:
        return NumberSet()
    ends = [_first(uids)] if SearchReturn.MIN in returned.options else []
    ends += [_last(uids)] if SearchReturn.MAX in returned.options else []
    part = window(uids, returned.partial) if returned.partial is not None else NumberSet()
    return NumberSet.of_numbers(ends).union(await _as_set(part))


async def _as_set(numbers: Numbers) -> NumberSet:
    if isinstance(numbers, NumberSet):
        return numbers
    if len(numbers) > _FEW:
        return await asyncio.to_thread(NumberSet.of_numbers, numbers)
    return NumberSet.of_numbers(numbers)


def _first(numbers: Numbers) -> int:
    return numbers.smallest if isinstance(numbers, NumberSet) else numbers[0]


def _last(numbers: Numbers) -> int:
    return numbers.largest if isinstance(numbers, NumberSet) else numbers[-1]


def window(numbers: Numbers, asked: PartialRange) -> Numbers:
    """The results at the places of a range, in their own order (RFC 9394 §3.1)."""
    low, high = sorted((asked.first, asked.last))
    count = len(numbers)
    first, last = (low, high) if low > 0 else (count + 1 + low, count + 1 + high)
    first, last = max(first, 1), min(last, count)
    if first > last:
        return NumberSet()
    return _places(numbers, first, last) if isinstance(numbers, NumberSet) else _slice(numbers, first, last)


def _slice(numbers: Sequence[int], first: int, last: int) -> Sequence[int]:
    return numbers[first - 1 : last]


def _places(numbers: NumberSet, first: int, last: int) -> NumberSet:
    chosen: list[Range] = []
    before = 0
    for low, high in numbers.ranges:
        from_, to = max(first - before, 1), min(last - before, high - low + 1)
        if from_ <= to:
            chosen.append((low + from_ - 1, low + to - 1))
        before += high - low + 1
        if before >= last:
            break
    return NumberSet(tuple(chosen))
