"""How many messages a worker may request: never more than it can process at once."""

from __future__ import annotations


class Credit:
    """Counts requested and running messages.

    It requests several messages at a time, because every request is a message to the server.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lump = max(1, concurrency // 4)
        self._running = 0
        self.asked = 0

    def reset(self, running: int) -> None:
        """Start again: nothing is requested, and so many messages are running."""
        self.asked = 0
        self._running = running

    def arrived(self) -> None:
        """Note that a message has arrived and begins to run."""
        self.asked = max(0, self.asked - 1)
        self._running += 1

    def finished(self) -> None:
        """Note that a message is finished."""
        self._running = max(0, self._running - 1)

    def returned(self, count: int) -> None:
        """Note that a request ended without so many of its messages."""
        self.asked = max(0, self.asked - count)

    def take(self) -> int:
        """The number of messages to request now; they count as requested."""
        free = self._concurrency - self._running - self.asked
        if free < self._lump and (self.asked or free <= 0):
            return 0
        self.asked += free
        return free
