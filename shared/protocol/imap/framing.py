"""Splits a byte stream into commands: lines and literals within limits, before any grammar (RFC 3501 §2.2, RFC 7888).

    framer.feed(received)
    while (event := framer.next()) is not None: ...

Any division of the stream gives the same events, except for the division into `LiteralChunk`s. The framer holds at most
one command within its limits and the last fed octets, if it is asked after each `feed` until it returns None.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import Literal

from shared.protocol.imap.frame_event import (
    BEFORE_LOGIN,
    AppendEnd,
    AppendLiteral,
    CommandReceived,
    ContinuationLine,
    FrameEvent,
    FrameLimits,
    LiteralChunk,
    LiteralEnd,
    NeedContinuation,
    RefusedFrame,
)
from shared.protocol.imap.line_buffer import LineBuffer
from shared.protocol.imap.literal_marker import MARKER_WINDOW, LiteralMarker, trailing_marker

# tag = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb"([!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]{1,128}) ")
_TAG_WINDOW = 129
# append = "APPEND" SP mailbox ...    ; a literal directly after it is the mailbox name, each later one is a message
# replace = ["UID" SP] "REPLACE" SP seq-number SP mailbox ...                                      ; RFC 8508
_APPEND = re.compile(rb"[^ ]{1,128} (?:APPEND|(?:UID )?REPLACE [^ ]{1,20}) ", re.IGNORECASE)


class _Progress(Enum):
    AGAIN = 0  # the step has no event, but the next one may have


_AGAIN = _Progress.AGAIN
_Outcome = FrameEvent | Literal[_Progress.AGAIN] | None


class CommandFramer:
    """The framer of one connection. `limits` may be replaced between commands, as after log-in."""

    __slots__ = (
        "_appending",
        "_buffer",
        "_held",
        "_parts",
        "_refusal",
        "_remaining",
        "_step",
        "_swallowed",
        "_tag",
        "_waiting",
        "limits",
    )

    def __init__(self, limits: FrameLimits = BEFORE_LOGIN) -> None:
        self.limits = limits
        self._buffer = LineBuffer()
        self._parts: list[bytes] = []  # earlier lines and literals of this command
        self._held = 0  # their size
        self._remaining = 0  # octets that the present literal still lacks
        self._swallowed = 0  # octets of a refused command that were skipped
        self._appending = False  # between the first message of an APPEND and its end
        self._waiting = False  # the client waits for `+` before it sends an announced message
        self._tag = b""
        self._refusal: RefusedFrame | None = None
        self._step: Callable[[CommandFramer], _Outcome] = CommandFramer._read_line

    # -- called by the connection

    def feed(self, data: bytes) -> None:
        """Add received octets."""
        self._buffer.feed(data)

    def next(self) -> FrameEvent | None:
        """The next event, or None when more bytes are needed."""
        event: _Outcome = _AGAIN
        while event is _AGAIN:
            event = self._step(self)
        return event

    def expect_line(self) -> None:
        """Expect a `ContinuationLine` instead of a command: after the `+` of AUTHENTICATE or IDLE."""
        self._step = CommandFramer._read_continuation

    def accept_literal(self) -> None:
        """Stream the message announced by `AppendLiteral`."""
        self._waiting = False
        self._step = CommandFramer._stream_literal

    def refuse(self, condition: Literal["NO", "BAD"], code: bytes, text: str) -> None:
        """Refuse the APPEND at an announcement or later; `RefusedFrame` follows when the client is ready for it.

        Octets that the client sends anyway are skipped (RFC 7888 §4); a message for which it waits is not requested.
        """
        self._refusal = RefusedFrame(self._tag, condition, code, text)
        self._swallowed = 0
        self._step = CommandFramer._give_refusal if self._waiting else CommandFramer._begin_swallow

    def take_rest(self) -> bytes:
        """Remove and return the buffered octets.

        After STARTTLS they must be discarded, because they arrived unprotected (RFC 3501 §6.2.1).
        """
        return self._buffer.take(len(self._buffer))

    # -- lines

    def _read_line(self) -> _Outcome:
        line = self._buffer.take_line()
        if line is None:
            # One more octet is allowed, because it may be the CR of the line end.
            return self._discard_open_line() if len(self._buffer) > self.limits.line + 1 else None
        if len(line) > self.limits.line:
            return self._discard(
                len(line), _late_marker(line), self._refused_frame("BAD", b"", "Command line is too long", line)
            )
        marker = trailing_marker(line)
        if self._held + len(line) > self.limits.command:
            return self._discard(len(line), marker, self._refused_frame("BAD", b"TOOBIG", "Command is too large", line))
        return self._complete(line) if marker is None else self._begin_literal(line, marker)

    def _complete(self, line: bytes) -> FrameEvent:
        event = (
            AppendEnd(line)
            if self._appending
            else CommandReceived(b"".join((*self._parts, line)) if self._parts else line)
        )
        self._start_over()
        return event

    def _start_over(self) -> None:
        self._parts, self._held, self._remaining, self._swallowed = [], 0, 0, 0
        self._appending = self._waiting = False
        self._step = CommandFramer._read_line

    def _read_continuation(self) -> _Outcome:
        line = self._buffer.take_line()
        size = len(self._buffer) - 1 if line is None else len(line)
        if size > self.limits.line:
            return self._disconnect()
        if line is None:
            return None
        self._start_over()
        return ContinuationLine(line)

    # -- literals

    def _begin_literal(self, line: bytes, marker: LiteralMarker) -> _Outcome:
        if self._is_message(line, marker):
            return self._announce_message(line, marker)
        if marker.size > self.limits.literal or self._held + len(line) + marker.size > self.limits.command:
            return self._discard(len(line), marker, self._refused_frame("NO", b"TOOBIG", "Literal is too large", line))
        self._parts.append(line + b"\r\n")
        self._held += len(line) + 2
        self._remaining = marker.size
        self._step = CommandFramer._hold_literal
        return NeedContinuation(marker.size) if marker.waiting else _AGAIN

    def _hold_literal(self) -> _Outcome:
        if len(self._buffer) < self._remaining:
            return None
        self._parts.append(self._buffer.take(self._remaining))
        self._held += self._remaining
        self._step = CommandFramer._read_line
        return _AGAIN

    def _is_message(self, line: bytes, marker: LiteralMarker) -> bool:
        if self._appending:
            return True
        match = _APPEND.match(self._parts[0] if self._parts else line)
        return match is not None and (bool(self._parts) or marker.start > match.end())

    def _announce_message(self, line: bytes, marker: LiteralMarker) -> AppendLiteral:
        head = b"".join((*self._parts, line[: marker.start]))
        first = not self._appending
        if first:
            self._tag = _tag_of(head)
        self._parts, self._held = [], 0
        self._appending, self._waiting, self._remaining = True, marker.waiting, marker.size
        self._step = CommandFramer._raise_undecided
        return AppendLiteral(head, marker.size, first, marker.waiting, marker.binary)

    def _raise_undecided(self) -> _Outcome:
        raise RuntimeError("accept or refuse the announced literal first")

    def _stream_literal(self) -> _Outcome:
        if not self._remaining:
            self._step = CommandFramer._read_line
            return LiteralEnd()
        chunk = self._buffer.take(self._remaining)
        self._remaining -= len(chunk)
        return LiteralChunk(chunk) if chunk else None

    # -- refusals

    def _refused_frame(self, condition: Literal["NO", "BAD"], code: bytes, text: str, line: bytes) -> RefusedFrame:
        tag = self._tag if self._appending else _tag_of(self._parts[0] if self._parts else line)
        return RefusedFrame(tag, condition, code, text)

    def _discard_open_line(self) -> _Outcome:
        self._refusal = self._refused_frame("BAD", b"", "Command line is too long", self._buffer.head(_TAG_WINDOW))
        self._swallowed = 0
        self._step = CommandFramer._discard_line
        return _AGAIN

    def _discard(self, size: int, marker: LiteralMarker | None, refusal: RefusedFrame) -> _Outcome:
        """Refuse the command of a line that has been read."""
        self._refusal = refusal
        self._swallowed = 0
        return self._pass_line(size, marker)

    def _discard_line(self) -> _Outcome:
        line = self._buffer.take_line()
        if line is not None:
            return self._pass_line(len(line), _late_marker(line))
        self._swallowed += self._buffer.keep_last(MARKER_WINDOW + 2)
        if self._swallowed + len(self._buffer) - 1 > self.limits.swallow:
            return self._disconnect()
        return None

    def _pass_line(self, size: int, marker: LiteralMarker | None) -> _Outcome:
        """Handle the end of a line of a refused command.

        The refusal is returned, unless the client continues with a literal without waiting.
        """
        self._swallowed += size
        if marker is not None and not marker.waiting:
            self._remaining = marker.size
            return self._begin_swallow()
        self._step = CommandFramer._give_refusal
        return _AGAIN if self._swallowed <= self.limits.swallow else self._disconnect()

    def _begin_swallow(self) -> _Outcome:
        self._swallowed += self._remaining
        if self._swallowed > self.limits.swallow:
            return self._disconnect()
        self._step = CommandFramer._swallow_literal
        return _AGAIN

    def _swallow_literal(self) -> _Outcome:
        gone = min(len(self._buffer), self._remaining)
        self._buffer.drop(gone)
        self._remaining -= gone
        if self._remaining:
            return None
        self._step = CommandFramer._discard_line
        return _AGAIN

    def _give_refusal(self) -> _Outcome:
        refusal, self._refusal = self._refusal, None
        self._start_over()
        return refusal

    def _disconnect(self) -> RefusedFrame:
        """End the connection, because more octets follow than may be skipped."""
        self._step = CommandFramer._drop_input
        return RefusedFrame(b"", "BYE", b"", self._refusal.text if self._refusal else "Line is too long")

    def _drop_input(self) -> None:
        self._buffer.drop(len(self._buffer))


def _tag_of(head: bytes) -> bytes:
    match = _TAG.match(head)
    return match[1] if match else b""


def _late_marker(line: bytes) -> LiteralMarker | None:
    """The marker of a line of any length, of which only the end may be buffered."""
    return trailing_marker(line[-MARKER_WINDOW:])
