"""The messages of a POP3 session: numbers that stay while the session lasts, and marks of deletion (RFC 1939 §5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """What a client sees between log-in and QUIT. Messages that arrive or leave meanwhile change no number."""

    def __init__(self, messages: Sequence[PopMessage]) -> None:
        self._messages = messages
        self._deleted: set[int] = set()

    @property
    def deleted(self) -> list[PopMessage]:
        """The messages that QUIT removes, in the order of their numbers."""
        return [self._messages[number - 1] for number in sorted(self._deleted)]

    def message(self, number: int) -> PopMessage:
        """The message with a number, from 1. Raises NotInMaildrop."""
        if not 1 <= number <= len(self._messages):
            raise NotInMaildrop(f"there is no message {number}; the maildrop has {len(self._messages)}")
        if number in self._deleted:
            raise NotInMaildrop(f"message {number} is deleted")
        return self._messages[number - 1]

    def present(self) -> Iterator[tuple[int, PopMessage]]:
        """The messages that are not deleted, with their numbers."""
        return ((number, message) for number, message in enumerate(self._messages, 1) if number not in self._deleted)

    def status(self) -> tuple[int, int]:
        """The number of messages and their octets, without the deleted ones."""
        octets = sum(message.octets for _, message in self.present())
        return len(self._messages) - len(self._deleted), octets

    def delete(self, number: int) -> None:
        """Mark a message as deleted. Raises NotInMaildrop."""
        self.message(number)
        self._deleted.add(number)

    def reset(self) -> None:
        """Unmark all messages."""
        self._deleted.clear()
