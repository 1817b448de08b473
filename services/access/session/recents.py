"""The \\Recent messages: those of which no session was notified yet (RFC 3501 §2.3.2)."""

from __future__ import annotations

from collections import OrderedDict


class Recents:
    """The first recent UID of each mailbox, kept only in the memory of this process.

    Nothing is written for \\Recent, and nothing survives a restart: "If it is not possible to determine whether or not
    this session is the first session to be notified about a message, then that message SHOULD be considered recent". So
    every message is recent in a mailbox that no session has selected since the start, and in one since whose last
    selection more than `kept` others were selected.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._first: OrderedDict[str, int] = OrderedDict()

    def first(self, mailbox: str) -> int:
        """The UID from which messages of the mailbox are recent."""
        if mailbox not in self._first:
            return 1
        self._first.move_to_end(mailbox)
        return self._first[mailbox]

    def count(self, mailbox: str, uid_next: int, messages: int) -> int:
        """The number of recent messages.

        It is exact as long as messages leave a mailbox only through sessions that were notified of them.
        """
        return min(max(uid_next - self.first(mailbox), 0), messages)

    def claim(self, mailbox: str, uid_next: int) -> None:
        """Note that a session was notified of all messages below `uid_next`."""
        self._first[mailbox] = max(uid_next, self.first(mailbox))
        while len(self._first) > self._kept:
            self._first.popitem(last=False)
