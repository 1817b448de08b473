"""The schedule of recent receptions: which is published again, and when.

The pause before a repeat doubles each time. When it reaches the longest pause, the reception leaves the schedule; so
does every new one while there is no room. Those are repeated in rounds (`rounds.py`). So mails that have been waiting
for long use no memory, and take no room from new ones.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass

from shared.clock import doubled


@dataclass(slots=True)
class _Young:
    """How often a reception was published again, and when the next repeat is due; None while it is being published."""

    repeats: int = 0
    due: float | None = None


class Schedule:
    """Holds at most `room` receptions. `now` is a clock in seconds that never goes back."""

    def __init__(self, first: float, longest: float, room: int, now: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._room = room
        self._now = now
        self._young: dict[str, _Young] = {}
        self._heap: list[tuple[float, str]] = []
        self.changed = asyncio.Event()
        """Set when a reception is due earlier than all others."""

    def __len__(self) -> int:
        return len(self._young)

    def __contains__(self, queue_id: str) -> bool:
        return queue_id in self._young

    def repeats(self, queue_id: str) -> int:
        """How often a reception was published again since it entered the schedule; 0 when it is not in it."""
        young = self._young.get(queue_id)
        return young.repeats if young else 0

    def begin(self, queue_id: str) -> bool:
        """Add a reception that is being published; False without room."""
        if queue_id not in self._young and len(self._young) >= self._room:
            return False
        self._young.setdefault(queue_id, _Young()).due = None
        return True

    def at_once(self, queue_id: str) -> bool:
        """Add a reception that is due at once; False without room."""
        if not self.begin(queue_id):
            return False
        self._put(queue_id, self._young[queue_id], 0.0)
        return True

    def published(self, queue_id: str) -> None:
        """Note the end of a publish, successful or not; the next pause begins."""
        young = self._young.get(queue_id)
        if young is None:
            return
        pause = doubled(self._first, young.repeats, self._longest)
        if pause >= self._longest:
            self.forget(queue_id)
            return
        young.repeats += 1
        self._put(queue_id, young, pause)

    def forget(self, queue_id: str) -> None:
        """Remove a reception that is settled, held or no longer recent."""
        self._young.pop(queue_id, None)

    def pause(self) -> float | None:
        """Seconds until a reception is due (0: now); None when none is."""
        while self._heap and not self._holds(*self._heap[0]):
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - self._now()) if self._heap else None

    def take(self) -> str | None:
        """Take the reception that is due first and mark it as being published; None when none is due."""
        if self.pause() != 0.0:
            return None
        _, queue_id = heapq.heappop(self._heap)
        self._young[queue_id].due = None
        return queue_id

    def _holds(self, due: float, queue_id: str) -> bool:
        young = self._young.get(queue_id)
        return young is not None and young.due == due

    def _put(self, queue_id: str, young: _Young, pause: float) -> None:
        young.due = self._now() + pause
        heapq.heappush(self._heap, (young.due, queue_id))
        if self._heap[0] == (young.due, queue_id):
            self.changed.set()
