"""How much of messages a search may read."""

from __future__ import annotations


class TooMuchToRead(Exception):
    """The search would read more messages than it may."""


class ReadingBudget:
    """What may still be read, over all mailboxes of a search."""

    def __init__(self, messages: int, octets: int) -> None:
        self._messages = messages
        self._octets = octets

    def take(self, octets: int) -> None:
        """Count a message of this size before it is read. Raises TooMuchToRead."""
        if self._messages <= 0 or self._octets <= 0:
            raise TooMuchToRead
        self._messages -= 1
        self._octets -= octets
