"""Sorts long lists in pieces: `sorted` of 100,000 entries would hold Python's lock, and so the event loop, too long."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bytes, int, tuple[int, int])
PIECE = 2000
"""Entries that are sorted at once, which takes about a millisecond."""


def merged(pieces: Sequence[list[bytes]]) -> Iterator[bytes]:
    """The keys of sorted pieces in order."""
    return heapq.merge(*pieces)


def long_sorted(entries: Iterable[T], key: Callable[[T], K]) -> list[T]:
    """Like `sorted`, for a thread beside the event loop."""
    held = list(entries)
    if len(held) <= PIECE:
        return sorted(held, key=key)
    pieces = [sorted(held[at : at + PIECE], key=key) for at in range(0, len(held), PIECE)]
    return list(heapq.merge(*pieces, key=key))
