"""How many messages a worker may have asked for: never more than it can begin at once."""

from __future__ import annotations


class Credit:
    """Counts what was asked for and what runs; asks again in lumps, since every request is a message to the server."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lump = max(1, concurrency // 4)
        self._running = 0
        self.asked = 0

    def reset(self, running: int) -> None:
        """Nothing is asked for; so many run."""
        self.asked = 0
        self._running = running

    def arrived(self) -> None:
        """A message came and begins to run."""
        self.asked = max(0, self.asked - 1)
        self._running += 1

    def finished(self) -> None:
        """One ran to its end."""
        self._running = max(0, self._running - 1)

    def returned(self, count: int) -> None:
        """A request ended with so many messages not delivered."""
        self.asked = max(0, self.asked - count)

    def take(self) -> int:
        """How many to ask for at this moment; they count as asked for."""
        free = self._concurrency - self._running - self.asked
        if free < self._lump and (self.asked or free <= 0):
            return 0
        self.asked += free
        return free
