"""Drives a framer as a connection does, and records its events in a form that does not depend on the cuts."""

from collections.abc import Iterable

from shared.protocol.imap.frame_event import (
    AFTER_LOGIN,
    AppendLiteral,
    CommandReceived,
    FrameEvent,
    FrameLimits,
    LiteralChunk,
)
from shared.protocol.imap.framing import CommandFramer

SMALL = FrameLimits(line=300, literal=100, command=600, swallow=2_000)


def events(
    pieces: Iterable[bytes], limits: FrameLimits = AFTER_LOGIN, append_limit: int = 1_000_000
) -> list[FrameEvent]:
    """All events of a stream.

    Messages up to the limit are accepted, IDLE is followed by a continuation line, and chunks are joined.
    """
    framer = CommandFramer(limits)
    seen: list[FrameEvent] = []
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            _note(seen, event)
            _answer(framer, event, append_limit)
    return seen


def _note(seen: list[FrameEvent], event: FrameEvent) -> None:
    if isinstance(event, LiteralChunk) and seen and isinstance(seen[-1], LiteralChunk):
        seen[-1] = LiteralChunk(seen[-1].data + event.data)
    else:
        seen.append(event)


def _answer(framer: CommandFramer, event: FrameEvent, append_limit: int) -> None:
    if isinstance(event, AppendLiteral):
        if event.size > append_limit:
            framer.refuse("NO", b"TOOBIG", "Message is too large")
        else:
            framer.accept_literal()
    elif isinstance(event, CommandReceived) and event.data.upper().endswith(b" IDLE"):
        framer.expect_line()


def single_bytes(stream: bytes) -> list[bytes]:
    """The stream in pieces of one octet."""
    return [stream[index : index + 1] for index in range(len(stream))]
