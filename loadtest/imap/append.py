"""APPEND as fast as the server allows: many messages in a command, and literals without waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loadtest.imap.session import ImapSession

BATCH_MESSAGES = 100
BATCH_BYTES = 2 * 1024 * 1024


def batches(messages: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The messages in groups of limited number and size, with at least one message each."""
    batch: list[bytes] = []
    size = 0
    for message in messages:
        if batch and (len(batch) >= BATCH_MESSAGES or size + len(message) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message)
    if batch:
        yield batch


async def append(session: ImapSession, mailbox: bytes, messages: Sequence[bytes]) -> None:
    """Append one group in the fastest way that the server announces. Raises ImapRefused."""
    at_once = b"LITERAL+" in session.capabilities
    groups = [messages] if b"MULTIAPPEND" in session.capabilities else [[message] for message in messages]
    if at_once:
        await session.in_a_row([append_command(mailbox, group) for group in groups])
        return
    for group in groups:
        await session.with_literals(append_pieces(mailbox, group))


def append_command(mailbox: bytes, messages: Sequence[bytes]) -> bytes:
    """One APPEND with non-synchronising literals (RFC 7888) and several messages (RFC 3502)."""
    return b"APPEND " + mailbox + b"".join(b" {%d+}\r\n%s" % (len(message), message) for message in messages)


def append_pieces(mailbox: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """The same for a server that requires synchronising literals."""
    sizes = [b" {%d}" % len(message) for message in messages]
    starts = [b"APPEND " + mailbox, *messages]
    ends = [*sizes, b""]
    return [start + end for start, end in zip(starts, ends, strict=True)]
