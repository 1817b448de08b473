"""Sets of UIDs give what each message for itself gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.mailstore.search.plan import Either, Every, Listed, Neither, Plan, matching, possible
from services.mailstore.search.stretches import stretches
from shared.protocol.imap.ranges import Ranges, count, ranges

_UIDS = range(1, 40)
_sets = st.sets(st.sampled_from(_UIDS)).map(lambda uids: ranges(sorted(uids)))
_plans: st.SearchStrategy[Plan] = st.recursive(
    _sets.map(Listed),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda plans: Every(tuple(plans))),
        st.lists(inner, min_size=1, max_size=3).map(lambda plans: Either(tuple(plans))),
        inner.map(Neither),
    ),
    max_leaves=8,
)


def _holds(plan: Plan, uid: int) -> bool:
    match plan:
        case Listed(uids):
            return any(first <= uid <= last for first, last in uids)
        case Every(plans):
            return all(_holds(inner, uid) for inner in plans)
        case Either(plans):
            return any(_holds(inner, uid) for inner in plans)
        case Neither(inner):
            return not _holds(inner, uid)
    raise AssertionError(plan)


@given(_plans, _sets)
def test_matching_is_what_each_message_gives(plan: Plan, living: Ranges) -> None:
    uids = [uid for first, last in living for uid in range(first, last + 1)]
    assert matching(plan, living, lambda _condition: ()) == ranges(uid for uid in uids if _holds(plan, uid))


@given(_plans)
def test_nothing_matches_outside_of_what_is_possible(plan: Plan) -> None:
    limit = possible(plan)
    if limit is not None:
        allowed = {uid for first, last in limit for uid in range(first, last + 1)}
        assert {uid for uid in _UIDS if _holds(plan, uid)} <= allowed


@given(st.sets(st.integers(1, 5000)).map(lambda uids: ranges(sorted(uids))))
def test_stretches_have_exactly_the_uids_in_order(uids: Ranges) -> None:
    cut = list(stretches(uids))
    flat = [uid for stretch in cut for first, last in stretch.uids for uid in range(first, last + 1)]
    assert flat == [uid for first, last in uids for uid in range(first, last + 1)]
    assert all(count(stretch.uids) <= 2000 for stretch in cut)
