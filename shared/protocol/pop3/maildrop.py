"""The messages of a POP3 session: numbers that stay while the session lasts, and marks of deletion (RFC 1939 §5)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class NotInMaildrop(ValueError):
    """There is no message with this number, or it is marked as deleted; answer -ERR."""


class PopMessage(NamedTuple):
    """A message of the maildrop."""

    uid: int
    """The UID in the mailbox."""
    octets: int
    """Its size as it is sent, with CRLF line ends and without stuffed dots."""
    unique_id: str
    """1 to 70 characters of 0x21 to 0x7E, which no other message ever gets (RFC 1939 §7)."""


class Maildrop:
    """What a client sees between log-in and QUIT. Messages that arrive or leave meanwhile change no number.

    A message takes some fifty octets of memory, because a maildrop may have very many.
    """

    def __init__(self, messages: Iterable[PopMessage] = ()) -> None:
        self._uids, self._sizes, self._ends = array("L"), array("Q"), array("L")
        self._unique_ids = bytearray()
        self._deleted: set[int] = set()
        self._octets = 0
        self.add(messages)

    def __len__(self) -> int:
        """The highest number of a message, whether it is deleted or not."""
        return len(self._uids)

    def add(self, messages: Iterable[PopMessage]) -> None:
        """Number further messages, before the client sees any."""
        for message in messages:
            self._uids.append(message.uid)
            self._sizes.append(message.octets)
            self._unique_ids += message.unique_id.encode("ascii")
            self._ends.append(len(self._unique_ids))
            self._octets += message.octets

    @property
    def deleted_uids(self) -> list[int]:
        """The UIDs of the messages that QUIT removes, in the order of their numbers."""
        return [self._uids[number - 1] for number in sorted(self._deleted)]

    def message(self, number: int) -> PopMessage:
        """The message with a number, from 1. Raises NotInMaildrop."""
        if not 1 <= number <= len(self):
            raise NotInMaildrop(f"there is no message {number}; the maildrop has {len(self)}")
        if number in self._deleted:
            raise NotInMaildrop(f"message {number} is deleted")
        return self._message(number)

    def present(self) -> Iterator[tuple[int, PopMessage]]:
        """The messages that are not deleted, with their numbers."""
        return ((number, self._message(number)) for number in range(1, len(self) + 1) if number not in self._deleted)

    def present_uids(self, first: int, last: int) -> list[int]:
        """The UIDs of the messages with these numbers that are not deleted."""
        numbers = range(first, min(last, len(self)) + 1)
        return [self._uids[number - 1] for number in numbers if number not in self._deleted]

    def status(self) -> tuple[int, int]:
        """The number of messages and their octets, without the deleted ones."""
        return len(self) - len(self._deleted), self._octets

    def delete(self, number: int) -> None:
        """Mark a message as deleted. Raises NotInMaildrop."""
        self._octets -= self.message(number).octets
        self._deleted.add(number)

    def reset(self) -> None:
        """Unmark all messages."""
        self._octets += sum(self._sizes[number - 1] for number in self._deleted)
        self._deleted.clear()

    def _message(self, number: int) -> PopMessage:
        at = number - 1
        start = self._ends[at - 1] if at else 0
        unique_id = self._unique_ids[start : self._ends[at]].decode("ascii")
        return PopMessage(self._uids[at], self._sizes[at], unique_id)
