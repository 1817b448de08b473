"""UID ranges as SQL conditions, for few statements and few distinct statement texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Condition = tuple[str, tuple[int | str, ...]]
"""A condition on `uid` and its parameters."""
RANGE = "uid BETWEEN ? AND ?"
LONG = 8
"""The number of UIDs from which a range becomes a condition of its own."""
_LISTS = (1, 8, 50, 200)
"""The lengths of lists of UIDs in statements. A shorter list repeats its last UID."""


def conditions(spans: Iterable[tuple[int, int]]) -> Iterator[Condition]:
    """Conditions for the UIDs of ascending ranges, ascending; no UID is in two of them."""
    held: list[int] = []
    for first, last in spans:
        if last - first + 1 >= LONG:
            yield from _lists(held)
            held = []
            yield RANGE, (first, last)
        else:
            held.extend(range(first, last + 1))
    yield from _lists(held)


def behind(condition: Condition, after: int) -> Condition:
    """The condition for those of its UIDs that are above `after`.

    A range begins there: SQLite would not use a second lower bound, and read the beginning of the range for each page.
    """
    text, parameters = condition
    if text == RANGE:
        first, last = parameters
        return text, (max(int(first), after + 1), last)
    return f"{text} AND uid > ?", (*parameters, after)


def _lists(uids: Sequence[int]) -> Iterator[Condition]:
    for start in range(0, len(uids), _LISTS[-1]):
        chunk = uids[start : start + _LISTS[-1]]
        length = next(size for size in _LISTS if size >= len(chunk))
        marks = ", ".join("?" * length)
        yield f"uid IN ({marks})", (*chunk, *[chunk[-1]] * (length - len(chunk)))
