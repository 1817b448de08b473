"""Fills a mailbox of one or several servers with the same mail, many messages in one APPEND (RFC 3502)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import zstandard

from loadtest.content.corpus import CorpusMail, corpus_mail
from loadtest.finding.searches import Expected
from loadtest.imap.session import ImapRefused
from loadtest.reading.connection import ReadingConnection

MAILBOX = b"Load"
AT_ONCE = 50
_LEVEL = 3


@dataclass(slots=True)
class Amounts:
    """What was appended, in octets."""

    mails: int = 0
    octets: int = 0
    text: int = 0
    compressed: int = 0

    def note(self, mail: CorpusMail) -> None:
        """Add a mail."""
        text = f"{mail.header}{mail.body}".encode()
        self.mails += 1
        self.octets += len(mail.data)
        self.text += len(text)
        self.compressed += len(zstandard.ZstdCompressor(level=_LEVEL).compress(text))


@dataclass(slots=True)
class Receiver:
    """A mailbox that gets the first `limit` mails, and what is known of them."""

    connection: ReadingConnection
    limit: int
    expected: Expected
    amounts: Amounts = field(default_factory=Amounts)

    def take(self, mails: Sequence[CorpusMail]) -> None:
        """Append mails. Raises OSError, ImapRefused."""
        taken = [mail for mail in mails if mail.number < self.limit]
        for mail in taken:
            self.expected.note(mail)
            self.amounts.note(mail)
        if taken:
            _append(self.connection, [mail.data for mail in taken])


def fill(receivers: Sequence[Receiver], count: int, seed: int, size: int, step: Callable[[], None]) -> None:
    """Append the mails of `seed` to the mailbox of each receiver. Raises OSError, ImapRefused."""
    for receiver in receivers:
        receiver.connection.command(b"CREATE " + MAILBOX)
    for mails in _batches((corpus_mail(seed, number, size) for number in range(count)), AT_ONCE):
        for receiver in receivers:
            receiver.take(mails)
        for _ in mails:
            step()


def _batches(mails: Iterable[CorpusMail], size: int) -> Iterator[list[CorpusMail]]:
    remaining = iter(mails)
    while batch := list(islice(remaining, size)):
        yield batch


def _append(connection: ReadingConnection, messages: Sequence[bytes]) -> None:
    """Append messages in one command."""
    literals = b"".join(b" {%d+}\r\n%s" % (len(message), message) for message in messages)
    try:
        connection.command(b"APPEND " + MAILBOX + literals)
    except ImapRefused as refused:
        raise ImapRefused(f"APPEND of {len(messages)} messages: {refused}") from refused
