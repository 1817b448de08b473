"""Ids are opaque, sortable and unique."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.ids import IdKind, Ids


@pytest.mark.parametrize("kind", list(IdKind))
def test_an_id_is_safe_everywhere_and_names_its_kind(kind: IdKind) -> None:
    identity = Ids(FixedClock()).new(kind)
    assert re.fullmatch(r"[a-z][0-9a-hjkmnp-tv-z]{20}", identity)
    assert identity[0] == kind.value


def test_each_kind_has_its_own_first_character() -> None:
    assert len({kind.value for kind in IdKind}) == len(IdKind)


def test_no_two_are_alike_within_a_millisecond() -> None:
    ids = Ids(FixedClock())
    assert len({ids.new(IdKind.QUEUE) for _ in range(20_000)}) == 20_000


def test_known_ids_stay_as_they_are() -> None:
    assert Ids(FixedClock(), lambda count: b"\x00" * count).new(IdKind.QUEUE) == "q1hf7yat00" + "0" * 11
    assert Ids(FixedClock(), lambda count: b"\xff" * count).new(IdKind.QUEUE)[10:] == "z" * 11


@given(st.lists(st.integers(0, 2**44), min_size=2, max_size=20))
def test_ids_sort_by_the_time_of_their_making(milliseconds: list[int]) -> None:
    clock = FixedClock()
    ids = Ids(clock)
    made = []
    for millisecond in milliseconds:
        clock.at = millisecond * 1000
        made.append((millisecond, ids.new(IdKind.ENTRY)))
    in_order = sorted(made, key=lambda entry: entry[1])
    assert [millisecond for millisecond, _ in in_order] == sorted(milliseconds)


@given(st.binary(min_size=7, max_size=7), st.binary(min_size=7, max_size=7))
def test_all_chance_but_one_bit_counts(entry: bytes, other: bytes) -> None:
    alike = int.from_bytes(entry, "big") >> 1 == int.from_bytes(other, "big") >> 1
    made = [Ids(FixedClock(), lambda _count, value=chance: value).new(IdKind.USER) for chance in (entry, other)]  # type: ignore[misc]
    assert (made[0] == made[1]) == alike
