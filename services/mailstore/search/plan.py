"""How a search is computed from sets of UIDs: those that the text index names, and those that rows give.

Each set holds the UIDs of a stretch of the mailbox, so that a large mailbox is searched in bounded steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.mailstore.search.compile import IndexedQuestion, text_question
from services.mailstore.search.row_condition import RowCondition, row_condition
from shared.protocol.imap.ranges import Ranges, common, count, joined, overlapping, without
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey, SearchKeys

RowsThat = Callable[[RowCondition], Ranges]
"""The UIDs of a stretch whose rows satisfy a condition."""


_MOST_JOINED = 5_000
"""Ranges that are joined to narrow a search; with more of them nearly every message is looked at anyway."""


class NotBySets(Exception):
    """The key needs more than rows and answers of the index."""


class Rows(msgspec.Struct, frozen=True):
    """Messages whose rows satisfy a condition."""

    condition: RowCondition


class Listed(msgspec.Struct, frozen=True):
    """Messages with these UIDs."""

    uids: Ranges


class Every(msgspec.Struct, frozen=True):
    """Messages for which all plans hold, the cheapest first."""

    plans: tuple[Plan, ...]


class Either(msgspec.Struct, frozen=True):
    """Messages for which at least a single one of the plans holds."""

    plans: tuple[Plan, ...]


class Neither(msgspec.Struct, frozen=True):
    """Messages for which the plan does not hold."""

    plan: Plan


Plan = Rows | Listed | Every | Either | Neither


def plan_of(key: SearchKey, now: int, hits: Mapping[IndexedQuestion, Ranges]) -> Plan:
    """How the key is computed where the hits are known. Raises NotBySets."""
    condition = row_condition(key, now)
    if condition is not None:
        return Rows(condition)
    plan = _positive(key, now, hits)
    return Neither(plan) if key.negated else plan


def _positive(key: SearchKey, now: int, hits: Mapping[IndexedQuestion, Ranges]) -> Plan:
    match key.WhichOneof("key"):
        case "all_of":
            return Every(tuple(sorted(_inner(key.all_of.keys, now, hits, any_of=False), key=_cost)))
        case "any_of":
            return Either(tuple(_inner(key.any_of.keys, now, hits, any_of=True)))
        case "uids":
            bounds = key.uids.bounds
            return Listed(joined(zip(bounds[::2], bounds[1::2], strict=True)))
        case "header" | "body" | "text" | "words" | "attachment_text":
            question = text_question(key)
            if question is None or question not in hits:
                raise NotBySets
            return Listed(hits[question])
    raise NotBySets


def _inner(keys: Sequence[SearchKey], now: int, hits: Mapping[IndexedQuestion, Ranges], *, any_of: bool) -> list[Plan]:
    """The plans of keys; those that rows decide make a single statement where it is not too large."""
    by_rows = [key for key in keys if row_condition(key, now) is not None]
    others = [key for key in keys if row_condition(key, now) is None]
    plans = [plan_of(key, now, hits) for key in others]
    if len(by_rows) > 1:
        together = SearchKeys(keys=by_rows)
        whole = SearchKey(any_of=together) if any_of else SearchKey(all_of=together)
        condition = row_condition(whole, now)
        if condition is not None:
            return [*plans, Rows(condition)]
    return [*plans, *(plan_of(key, now, hits) for key in by_rows)]


def _cost(plan: Plan) -> int:
    """Known sets come before rows."""
    return 0 if isinstance(plan, Listed) else 2 if isinstance(plan, Rows) else 1


def possible(plan: Plan) -> Ranges | None:
    """UIDs outside of which the plan does not hold; None: it may hold for any. The work is bounded."""
    match plan:
        case Listed(uids):
            return uids
        case Every(plans):
            return min((limit for limit in map(possible, plans) if limit is not None), key=_size, default=None)
        case Either(plans):
            union: list[tuple[int, int]] = []
            for inner in plans:
                limit = possible(inner)
                if limit is None:
                    return None
                union += limit
                if len(union) > _MOST_JOINED:
                    return None
            return joined(sorted(union))
        case _:
            return None


def _size(uids: Ranges) -> int:
    """How many UIDs there are, or fewer where that is many."""
    return count(uids) if len(uids) <= _MOST_JOINED else len(uids)


def matching(plan: Plan, living: Ranges, rows_that: RowsThat) -> Ranges:
    """The UIDs among `living` for which the plan holds."""
    match plan:
        case Rows(condition):
            return common(living, rows_that(condition))
        case Listed(uids):
            return common(living, overlapping(uids, living[0][0], living[-1][1])) if living else ()
        case Every(plans):
            for inner in plans:
                if not living:
                    return ()
                living = matching(inner, living, rows_that)
            return living
        case Either(plans):
            united: list[tuple[int, int]] = []
            for inner in plans:
                united += matching(inner, living, rows_that)
            return joined(sorted(united))
        case Neither(inner):
            return without(living, matching(inner, living, rows_that))
