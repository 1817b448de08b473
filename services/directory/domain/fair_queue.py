"""A bounded queue in which clients take turns, so that a client with much work does not keep others waiting."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Serves clients in turn, and the items of one client in the order of their arrival."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, client: str, item: T) -> T | None:
        """Add an item.

        When too many are waiting, the newest item of the client with the most items is removed and returned.
        """
        self._waiting.setdefault(client, deque()).append(item)
        self._length += 1
        if self._length <= self._limit:
            return None
        largest = max(self._waiting, key=lambda name: len(self._waiting[name]))
        displaced = self._waiting[largest].pop()
        self._shorten(largest)
        return displaced

    def take(self) -> T | None:
        """Remove and return the next item; None when the queue is empty."""
        if not self._waiting:
            return None
        client = next(iter(self._waiting))
        item = self._waiting[client].popleft()
        self._waiting.move_to_end(client)
        self._shorten(client)
        return item

    def _shorten(self, client: str) -> None:
        self._length -= 1
        if not self._waiting[client]:
            del self._waiting[client]
