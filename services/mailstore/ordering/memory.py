"""The memory that one SORT or THREAD may take."""

from __future__ import annotations

from services.mailstore.domain.decide import MailboxRefused

MEGAOCTET = 1024 * 1024


class OrderingMemory:
    """Counts the octets that an ordering holds."""

    def __init__(self, megaoctets: int) -> None:
        self._most = megaoctets * MEGAOCTET
        self.taken = 0
        """The octets so far."""

    def take(self, octets: int) -> None:
        """Count octets. Raises MailboxRefused LIMIT."""
        self.taken += octets
        if self.taken > self._most:
            raise MailboxRefused("LIMIT", "there are too many messages to sort at once; search for fewer")
