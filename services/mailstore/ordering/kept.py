"""What orderings have found out about mailboxes, kept in memory: the next SORT or THREAD reads only what is new.

What is compared of a message never changes, and a UID is never given to a second message; so nothing that is kept
becomes wrong. The least recently used is forgotten when there is too much. The memory ends with the process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from shared.events.all_mail_mailbox import AllMailEnded
from shared.events.closing import AccountErased
from shared.events.mailbox import MailboxDeleted
from shared.eventstore.event import Recorded

T = TypeVar("T")
_AN_ENTRY = 500
"""Octets of Python's own for whatever is kept under a name."""


class KeptName(Generic[T]):
    """What is kept of a mailbox, and its type."""

    __slots__ = ("name",)

    def __init__(self, *name: Hashable) -> None:
        self.name = name


class KeptOrders:
    """Values by mailbox and name, of a bounded number of octets in all."""

    def __init__(self, octets: int) -> None:
        self._most = octets
        self._held = 0
        self._entries: OrderedDict[tuple[str, tuple[Hashable, ...]], tuple[object, int]] = OrderedDict()

    @property
    def octets(self) -> int:
        """The octets that are kept."""
        return self._held

    def get(self, mailbox: str, name: KeptName[T]) -> T | None:
        """What is kept under this name, if anything."""
        entry = self._entries.get((mailbox, name.name))
        if entry is None:
            return None
        self._entries.move_to_end((mailbox, name.name))
        return entry[0]  # type: ignore[return-value]

    def keep(self, mailbox: str, name: KeptName[T], value: T, octets: int) -> None:
        """Keep a value in place of an earlier one, unless it is larger than everything that may be kept."""
        self._drop((mailbox, name.name))
        if octets + _AN_ENTRY > self._most:
            return
        self._entries[mailbox, name.name] = value, octets + _AN_ENTRY
        self._held += octets + _AN_ENTRY
        while self._held > self._most:
            self._drop(next(iter(self._entries)))

    def committed(self, recorded: list[Recorded]) -> None:
        """Forget mailboxes that were deleted, and everything when an account was erased."""
        for entry in recorded:
            match entry.event:
                case MailboxDeleted(mailbox=mailbox) | AllMailEnded(mailbox=mailbox):
                    for name in [name for name in self._entries if name[0] == mailbox]:
                        self._drop(name)
                case AccountErased():
                    self._entries.clear()
                    self._held = 0
                case _:
                    pass

    def _drop(self, name: tuple[str, tuple[Hashable, ...]]) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._held -= entry[1]
