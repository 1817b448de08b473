"""The memory that one SORT or THREAD may take."""

from __future__ import annotations

from services.mailstore.domain.decide import MailboxRefused

_MEGAOCTET = 1024 * 1024


class OrderingMemory:
    """Counts the octets that an ordering holds."""

    def __init__(self, megaoctets: int) -> None:
        self._left = megaoctets * _MEGAOCTET

    def take(self, octets: int) -> None:
        """Count octets. Raises MailboxRefused LIMIT."""
        self._left -= octets
        if self._left < 0:
            raise MailboxRefused("LIMIT", "there are too many messages to sort at once; search for fewer")
