"""The order of the event log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.eventlog.domain.log_id import FOLLOWED, LAST, begin_of, next_id, origin_number, service_and_shard

MOMENT = 1_764_000_000_000_000
moments = st.integers(min_value=-(2**70), max_value=2**70)


@given(st.lists(moments, min_size=1, max_size=50), st.integers(0, 95))
def test_ids_of_an_origin_only_rise_whatever_the_clock_says(times: list[int], number: int) -> None:
    last = 0
    for at in times:
        following = next_id(at, number, last)
        assert last < following < LAST
        assert following & 0xFF == number
        last = following


def test_ids_follow_time_over_all_origins() -> None:
    assert next_id(MOMENT, origin_number(5, 15), 0) < next_id(MOMENT + 1, origin_number(0, 0), 0)


def test_a_moment_begins_at_its_first_id() -> None:
    assert begin_of(MOMENT) <= next_id(MOMENT, 0, 0) < begin_of(MOMENT + 1)
    assert next_id(MOMENT - 1, origin_number(5, 15), 0) < begin_of(MOMENT)


def test_origins_name_their_service_and_shard() -> None:
    assert [service_and_shard(origin_number(number, 15)) for number in range(len(FOLLOWED))] == [
        (service, 15) for service in FOLLOWED
    ]


def test_the_services_keep_their_stored_places() -> None:
    assert FOLLOWED == ("directory", "ingress", "classifier", "delivery", "mailstore", "outbound")
