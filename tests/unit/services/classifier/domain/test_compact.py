"""Sets of indices ↔ bytes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classifier.domain.compact import CorruptFeatures, pack, pack_set, unpack, unpack_set


@given(st.lists(st.integers(0, 2**32 - 1), max_size=200))
def test_numbers_come_back(numbers: list[int]) -> None:
    assert unpack(pack(np.array(numbers, np.uint32))).tolist() == numbers


@given(st.sets(st.integers(0, 2**18 - 1), max_size=300))
def test_sets_come_back(indices: set[int]) -> None:
    assert unpack_set(pack_set(np.array(sorted(indices), np.uint32)), 2**18).tolist() == sorted(indices)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_set_or_corrupt(data: bytes) -> None:
    try:
        indices = unpack_set(data, 2**18)
    except CorruptFeatures:
        return
    redundant = re.search(rb"[\x80-\xff]\x00", data)  # a number encoded with more octets than necessary
    assert pack_set(indices) == data or redundant


@pytest.mark.parametrize("data", [b"\x80", b"\x01\x00", b"\xff\xff\xff\xff\xff\x01", b"\xff\xff\x7f"])
def test_cut_repeated_or_too_large_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptFeatures):
        unpack_set(data, 2**18)


def test_gaps_take_few_bytes() -> None:
    indices = np.arange(0, 400 * 600, 600, dtype=np.uint32)
    assert len(pack_set(indices)) < 810
