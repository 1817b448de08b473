"""Translates a parsed search key to the mailstore's contract; sequence numbers become UIDs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import assert_never

from services.access.adapters.mailstore import spans
from shared.grpc.errors import Invalid, LimitReached
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
_RELATIONS: Mapping[k.DateTest, pb.DayTest.Relation.ValueType] = {
    "BEFORE": pb.DayTest.BEFORE,
    "ON": pb.DayTest.ON,
    "SINCE": pb.DayTest.SINCE,
}
_EPOCH = date(1970, 1, 1)
_Value = k.Larger | k.Smaller | k.Older | k.Younger | k.Modseq | k.EmailId | k.ThreadId
_Leaf = k.All | k.Flag | k.Header | k.Body | k.Text | k.InternalDate | k.SentDate | k.SavedDate | _Value


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
        made = pb.SearchKey()
        await self._fill(made, key, fuzzy=False)
        return made

    async def _fill(self, made: pb.SearchKey, key: k.SearchKey, *, fuzzy: bool) -> None:
        """Translate a key in its place, because a message that is assigned to a field is copied at each level."""
        await self._turns.spend(keys=_A_KEY)
        match key:
            case k.And(keys):
                for inner in keys:
                    await self._fill(made.all_of.keys.add(), inner, fuzzy=fuzzy)
            case k.Or(keys):
                for inner in keys:
                    await self._fill(made.any_of.keys.add(), inner, fuzzy=fuzzy)
            case k.Not(inner):
                await self._fill(made, inner, fuzzy=fuzzy)
                made.negated = not made.negated
            case k.Fuzzy(inner):
                await self._fill(made, inner, fuzzy=True)
            case k.Uid(uids):
                self._put_uids(made, await self._resolve(uids, True))
            case k.SeqSet(numbers):
                self._put_uids(made, await self._resolve(numbers, False))
            case k.Flag(flag, is_set) if flag == RECENT:
                self._put_uids(made, self._recent)
                made.negated = not is_set
            case k.NamedFilter(name):
                raise Invalid(f"the filter {name} is not resolved", "invalid")
            case _:
                _put_leaf(made, key)
                made.fuzzy = fuzzy and isinstance(key, k.Header | k.Body | k.Text)  # others match exactly

    def _put_uids(self, made: pb.SearchKey, uids: NumberSet) -> None:
        self._left -= len(uids.ranges)
        if self._left < 0:
            raise LimitReached(f"the sets of a search have at most {MAX_RANGES} ranges", "LIMIT")
        made.uids.CopyFrom(spans(uids))


def _put_leaf(made: pb.SearchKey, key: _Leaf) -> None:
    match key:
        case k.All():
            made.all = True
        case k.Flag(flag, is_set):
            made.flag.CopyFrom(pb.FlagTest(flag=flag, is_set=is_set))
        case k.Header(field, text):
            made.header.CopyFrom(pb.HeaderTest(field=field, text=text))
        case k.Body(text):
            made.body = text
        case k.Text(text):
            made.text = text
        case k.InternalDate(test, day):
            made.internal_date.CopyFrom(_day_test(test, day))
        case k.SentDate(test, day):
            made.sent_date.CopyFrom(_day_test(test, day))
        case k.SavedDate(test, day):
            made.saved_date.CopyFrom(_day_test(test, day))
        case _:
            _put_value(made, key)


def _put_value(made: pb.SearchKey, key: _Value) -> None:
    match key:
        case k.Larger(octets):
            made.larger = octets
        case k.Smaller(octets):
            made.smaller = octets
        case k.Older(seconds):
            made.older = seconds
        case k.Younger(seconds):
            made.younger = seconds
        case k.Modseq(modseq):
            made.modseq = modseq
        case k.EmailId(email_id):
            made.email_id = email_id
        case k.ThreadId(thread_id):
            made.thread_id = thread_id
        case _:
            assert_never(key)


def _day_test(test: k.DateTest, day: date) -> pb.DayTest:
    return pb.DayTest(relation=_RELATIONS[test], day=(day - _EPOCH).days)
