"""RETR and TOP: messages in pieces, whatever their size (RFC 1939 §5, §7)."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from services.access.pop3.session import PopSession
from services.access.session.channel import SessionEnded
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blob
from shared.protocol.pop3 import commands as c
from shared.protocol.pop3 import response
from shared.protocol.pop3.response import MessageEncoder, TopCut

log = structlog.get_logger("access")
_SMALL = 32_768
"""Octets up to which a message is one piece with its prefix."""


async def retrieve(session: PopSession, command: c.RetrieveMessage) -> bytes:
    """Send a whole message. Raises NotInMaildrop, SessionEnded."""
    octets = session.maildrop.messages.message(command.number).octets
    return await _send(session, command.number, f"{octets} octets", None)


async def top(session: PopSession, command: c.TopOfMessage) -> bytes:
    """Send the header of a message and the first lines of its body. Raises NotInMaildrop, SessionEnded."""
    return await _send(session, command.number, "The top of the message follows", TopCut(command.lines))


async def _send(session: PopSession, number: int, text: str, cut: TopCut | None) -> bytes:
    maildrop = session.maildrop
    stored = await maildrop.ahead.body(maildrop.messages, number)
    if stored is None:
        return response.error(f"message {number} is gone: another client has removed or moved it")
    try:
        blob = await session.dependencies.blobs.read(BlobId(stored.blob))
    except BlobError as error:
        log.error("access.blob_unreadable", session=session.id, blob=stored.blob, error=str(error))
        return response.error(f"message {number} cannot be read", "SYS/PERM")
    session.dependencies.log_ins.turns.count(files=1)
    if cut is None or not cut.is_header_alone:
        session.dependencies.log_ins.read_bodies.note(session.account, maildrop.mailbox, "pop3", 1)
    try:
        await _write(session, text, _pieces(stored.prefix, blob), cut)
    except BlobError as error:
        # The rest of a message that has begun can only be refused by closing the connection.
        log.error("access.blob_unreadable", session=session.id, blob=stored.blob, error=str(error))
        raise SessionEnded from error
    return b""


async def _write(session: PopSession, text: str, pieces: Iterator[bytes], cut: TopCut | None) -> None:
    channel, turns = session.channel, session.dependencies.log_ins.turns
    encoder = MessageEncoder()
    first = next(pieces, b"")  # read before the answer is a positive one
    channel.write(response.ok(text))
    piece: bytes | None = first
    while piece is not None:
        channel.write(encoder.encode(cut.take(piece) if cut is not None else piece))
        await channel.spill()
        await turns.spend(octets=2 * len(piece))
        piece = next(pieces, None) if cut is None or not cut.is_complete else None
    channel.write(encoder.finish())


def _pieces(prefix: bytes, blob: Blob) -> Iterator[bytes]:
    """The octets of a message: what delivery has put before it, and its body."""
    if blob.body_size <= _SMALL:
        yield prefix + b"".join(blob.iterate(0, blob.body_size))
        return
    yield prefix
    yield from blob.iterate(0, blob.body_size)
