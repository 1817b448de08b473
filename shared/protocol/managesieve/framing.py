"""Splits a byte stream into commands: lines with literals, within limits, before any meaning (RFC 5804 §1.2, §4).

    framer.feed(received)
    while (event := framer.next()) is not None: ...

Any division of the stream gives the same events. The size of a literal is checked before its octets are read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Literal

from shared.protocol.imap.line_buffer import LineBuffer
from shared.protocol.managesieve.frame_event import (
    UNAUTHENTICATED,
    LostStream,
    ManageSieveEvent,
    ManageSieveLimits,
    ReceivedCommand,
    ReceivedString,
    RefusedInput,
)
from shared.protocol.managesieve.tokens import AnnouncedLiteral, Atom, MalformedLine, tokens

_MARKER_WINDOW = 32
"""Octets at the end of a line that can contain the announcement of any literal."""


class _Progress(Enum):
    AGAIN = 0  # the step has no event, but the next one may have


_AGAIN = _Progress.AGAIN
_Outcome = ManageSieveEvent | Literal[_Progress.AGAIN] | None


class ManageSieveFramer:
    """The framer of one connection. `limits` may be replaced between commands, as after log-in."""

    __slots__ = (
        "_arguments",
        "_buffer",
        "_expects_string",
        "_name",
        "_refusal",
        "_remaining",
        "_step",
        "_swallowed",
        "limits",
    )

    def __init__(self, limits: ManageSieveLimits = UNAUTHENTICATED) -> None:
        self.limits = limits
        self._buffer = LineBuffer()
        self._step: Callable[[ManageSieveFramer], _Outcome] = ManageSieveFramer._read_line
        self._expects_string = False
        self._name: str | None = None
        self._arguments: list[bytes | int] = []
        self._remaining = 0  # octets that the present literal still lacks
        self._swallowed = 0  # octets of a refused command that were skipped
        self._refusal = RefusedInput("")

    def feed(self, data: bytes) -> None:
        """Add received octets."""
        self._buffer.feed(data)

    def next(self) -> ManageSieveEvent | None:
        """The next event, or None when more octets are needed."""
        event: _Outcome = _AGAIN
        while event is _AGAIN:
            event = self._step(self)
        return event

    def expect_string(self) -> None:
        """Expect a `ReceivedString` instead of a command: the next response of a SASL exchange."""
        self._expects_string = True

    def take_rest(self) -> bytes:
        """Remove and return the buffered octets: after STARTTLS they must be discarded (RFC 5804 §2.2)."""
        return self._buffer.take(len(self._buffer))

    def _read_line(self) -> _Outcome:
        line = self._buffer.take_line()
        if line is None:
            # One more octet is allowed, because it may be the CR of the line end.
            return self._refuse_open_line() if len(self._buffer) > self.limits.line + 1 else None
        size = _announced(line)
        if len(line) > self.limits.line:
            return self._refuse("the line is too long", size)
        try:
            return self._take(line)
        except MalformedLine as error:
            return self._refuse(str(error), size)

    def _take(self, line: bytes) -> _Outcome:
        """Take the words of a line, which goes on after a literal when words were taken before."""
        if self._has_begun:
            if line[:1] not in (b"", b" "):
                raise MalformedLine("words must be divided by single spaces")
            line = line[1:]
        for token in tokens(line):
            match token:
                case AnnouncedLiteral(size):
                    return self._begin_literal(size)
                case Atom(text):
                    self._begin_command(text)
                case _:
                    self._add(token)
        return self._complete()

    @property
    def _has_begun(self) -> bool:
        return self._name is not None or bool(self._arguments)

    def _begin_command(self, text: str) -> None:
        if self._expects_string:
            raise MalformedLine("a string is expected, quoted or as a literal")
        if self._has_begun:
            raise MalformedLine("an argument must be a number or a string in quotation marks")
        self._name = text

    def _add(self, argument: bytes | int) -> None:
        self._check_argument()
        self._arguments.append(argument)

    def _check_argument(self) -> None:
        """Check that an argument may come here. Raises MalformedLine."""
        if self._name is None and not self._expects_string:
            raise MalformedLine("a line must begin with the name of a command")
        if len(self._arguments) >= self.limits.arguments:
            raise MalformedLine("the command has too many arguments")

    def _complete(self) -> _Outcome:
        name, arguments = self._name, tuple(self._arguments)
        if self._expects_string:
            if len(arguments) != 1 or not isinstance(arguments[0], bytes):
                raise MalformedLine("a string is expected, quoted or as a literal")
            self._start_over()
            return ReceivedString(arguments[0])
        if name is None:
            raise MalformedLine("the line is empty")
        self._start_over()
        return ReceivedCommand(name, arguments)

    def _start_over(self) -> None:
        self._name, self._arguments, self._expects_string = None, [], False
        self._remaining = self._swallowed = 0
        self._step = ManageSieveFramer._read_line

    def _begin_literal(self, size: int) -> _Outcome:
        self._check_argument()
        if size > self.limits.literal:
            return self._refuse(f"a literal must have at most {self.limits.literal} octets", size, b"QUOTA/MAXSIZE")
        self._remaining = size
        self._step = ManageSieveFramer._hold_literal
        return _AGAIN

    def _hold_literal(self) -> _Outcome:
        if len(self._buffer) < self._remaining:
            return None
        self._arguments.append(self._buffer.take(self._remaining))
        self._step = ManageSieveFramer._read_line
        return _AGAIN

    def _refuse(self, text: str, literal: int | None, code: bytes = b"") -> _Outcome:
        """Refuse the command of a line that was read; a literal that follows it is skipped with the rest."""
        self._refusal = RefusedInput(text, code)
        return self._skip_from(literal)

    def _refuse_open_line(self) -> _Outcome:
        self._refusal = RefusedInput("the line is too long")
        self._step = ManageSieveFramer._skip_line
        return _AGAIN

    def _skip_from(self, literal: int | None) -> _Outcome:
        """Skip the literal behind a refused line; without one the command ends here."""
        if literal is None:
            refusal = self._refusal
            self._start_over()
            return refusal
        self._swallowed += literal
        self._remaining = literal
        self._step = ManageSieveFramer._skip_literal
        return self._lose() if self._swallowed > self.limits.swallow else _AGAIN

    def _skip_literal(self) -> _Outcome:
        gone = min(len(self._buffer), self._remaining)
        self._buffer.drop(gone)
        self._remaining -= gone
        if self._remaining:
            return None
        self._step = ManageSieveFramer._skip_line
        return _AGAIN

    def _skip_line(self) -> _Outcome:
        line = self._buffer.take_line()
        if line is None:
            self._swallowed += self._buffer.keep_last(_MARKER_WINDOW)
            return self._lose() if self._swallowed > self.limits.swallow else None
        self._swallowed += len(line)
        return self._lose() if self._swallowed > self.limits.swallow else self._skip_from(_announced(line))

    def _lose(self) -> LostStream:
        self._step = ManageSieveFramer._drop_input
        return LostStream(self._refusal.text)

    def _drop_input(self) -> None:
        self._buffer.drop(len(self._buffer))


def _announced(line: bytes) -> int | None:
    """The size of the literal that the end of a line announces, or None.

    A refused line may be malformed, so its end alone counts: a client that announces octets sends them.
    """
    end = line[-_MARKER_WINDOW:]
    try:
        last = list(tokens(end[max(end.rfind(b"{"), 0) :]))[-1:]
    except MalformedLine:
        return None
    return last[0].size if last and isinstance(last[0], AnnouncedLiteral) else None
