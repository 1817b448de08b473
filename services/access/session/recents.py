"""Which messages are \\Recent: no session was notified of them yet (RFC 3501 2.3.2)."""

from __future__ import annotations

from collections import OrderedDict


class Recents:
    """The first recent UID of each mailbox, in the memory of this process alone: nothing is written for \\Recent.

    Nothing of it survives a restart. "If it is not possible to determine whether or not this session is the first
    session to be notified about a message, then that message SHOULD be considered recent": in a mailbox that no session
    selected since the start, and in one of which more than `kept` others were selected since, every message is recent.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._first: OrderedDict[str, int] = OrderedDict()

    def first(self, mailbox: str) -> int:
        """Messages of the mailbox with this UID or a higher one are recent."""
        if mailbox not in self._first:
            return 1
        self._first.move_to_end(mailbox)
        return self._first[mailbox]

    def count(self, mailbox: str, uid_next: int, messages: int) -> int:
        """How many messages are recent. Exact while messages leave a mailbox only by way of sessions that were notified
        of them.
        """
        return min(max(uid_next - self.first(mailbox), 0), messages)

    def claim(self, mailbox: str, uid_next: int) -> None:
        """A session was notified of all messages below `uid_next`."""
        self._first[mailbox] = max(uid_next, self.first(mailbox))
        while len(self._first) > self._kept:
            self._first.popitem(last=False)
