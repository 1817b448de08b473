"""The part of a result that PARTIAL, MIN and MAX return and that `$` keeps (RFC 9394, RFC 5182)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.commands.search_results import ReturnOptions, items, saved
from shared.protocol.imap.commands import PartialRange, SearchReturn
from shared.protocol.imap.number_set import NumberSet

_PLACES = st.integers(1, 25)
_RANGES = st.builds(
    lambda first, last, sign: PartialRange(sign * first, sign * last), _PLACES, _PLACES, st.sampled_from([1, -1])
)
_PARTIAL = frozenset({SearchReturn.PARTIAL})


def _expected(numbers: list[int], asked: PartialRange) -> list[int]:
    low, high = sorted((asked.first, asked.last))
    places = range(low, high + 1) if low > 0 else range(len(numbers) + 1 + low, len(numbers) + 2 + high)
    return [numbers[place - 1] for place in places if 1 <= place <= len(numbers)]


@given(st.sets(st.integers(1, 40), max_size=20), _RANGES)
async def test_a_window_of_a_set(numbers: set[int], asked: PartialRange) -> None:
    uids = NumberSet.of_numbers(numbers)
    kept = await saved(ReturnOptions(_PARTIAL, asked), uids)
    assert list(kept) == _expected(sorted(numbers), asked)


@given(st.permutations(range(1, 21)), _RANGES)
async def test_a_window_of_a_sorted_result(order: list[int], asked: PartialRange) -> None:
    kept = await saved(ReturnOptions(_PARTIAL, asked), order)
    assert list(kept) == sorted(_expected(order, asked))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({SearchReturn.SAVE}, [1, 5, 9]),
        ({SearchReturn.SAVE, SearchReturn.UPDATE, SearchReturn.MIN}, [5]),
        ({SearchReturn.SAVE, SearchReturn.MIN, SearchReturn.MAX}, [5, 9]),
        ({SearchReturn.SAVE, SearchReturn.MAX, SearchReturn.PARTIAL}, [1, 9]),
        ({SearchReturn.SAVE, SearchReturn.MAX, SearchReturn.COUNT}, [1, 5, 9]),
    ],
)
async def test_what_is_saved(options: set[SearchReturn], kept: list[int]) -> None:
    partial = PartialRange(2, 2) if SearchReturn.PARTIAL in options else None
    assert list(await saved(ReturnOptions(frozenset(options), partial), [5, 1, 9])) == kept


def test_an_empty_result_has_a_count_and_no_window() -> None:
    options = ReturnOptions(frozenset(SearchReturn), PartialRange(1, 5))
    shown = b"".join(piece for item in items(options, NumberSet()) for piece in item)
    assert shown == b" COUNT 0 PARTIAL (1:5 NIL) RELEVANCY ()"
