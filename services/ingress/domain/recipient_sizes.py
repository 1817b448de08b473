"""The sizes of messages that the recipients of a transaction take."""

from __future__ import annotations

from dataclasses import dataclass

from shared.protocol.smtp import replies
from shared.protocol.smtp.reply import Reply


@dataclass(slots=True)
class RecipientSizes:
    """Refuses a recipient when the size was declared, and the message when it is too large for all recipients.

    When some take it, it is accepted, and delivery returns it for the others.
    """

    largest: int = 0
    """Octets that some accepted recipient takes; 0: as much as the server."""
    _count: int = 0

    def refusal(self, limit: int, declared: int) -> Reply | None:
        """The refusal of a recipient with this limit (0: none), or None, and then the recipient is counted.

        `declared` is the SIZE of MAIL (RFC 1870 §6.1); 0: it was not declared.
        """
        if limit and declared > limit:
            return replies.too_large_for_recipient(limit)
        is_unlimited = not limit or (self._count > 0 and not self.largest)
        self.largest = 0 if is_unlimited else max(self.largest, limit)
        self._count += 1
        return None

    def refusal_of_all(self, octets: int) -> Reply | None:
        """The refusal of a complete message that no recipient takes, or None."""
        return replies.too_large_for_recipient(self.largest) if self.largest and octets > self.largest else None
