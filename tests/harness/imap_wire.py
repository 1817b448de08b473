"""An IMAP connection whose responses are read into values, so that two servers can be compared."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

_LITERAL = re.compile(rb"\{([0-9]+)\+?\}\r\n\Z")
_TIMEOUT = 120.0


class Text(bytes):
    """A string: quoted or a literal."""


Value = bytes | Text | None | tuple["Value", ...]
"""An atom, a string, NIL, or a list in parentheses."""


class Answer(NamedTuple):
    """The responses to one command."""

    status: bytes
    """OK, NO or BAD."""
    code: bytes
    """The response code, without brackets; empty when there is none."""
    lines: list[tuple[Value, ...]]
    """The untagged responses, without `*`."""
    raw: list[bytes]


class Wire:
    """`Wire(socket)` reads the greeting. Commands are given as text; literals in them are sent without waiting."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_TIMEOUT)
        self.socket = connection
        self._file = cast(BinaryIO, connection.makefile("rb"))
        self._count = 0
        self.greeting = self._line()

    def ask(self, command: str | bytes) -> Answer:
        """Send a command and return its responses. Raises ConnectionError when the server ends the connection."""
        self._count += 1
        tag = b"t%d" % self._count
        self.socket.sendall(tag + b" " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        lines = []
        while not (line := self._line()).startswith(tag + b" "):
            if not line:
                raise ConnectionError(f"the connection ended after {command!r}; {lines[-1:]}")
            lines.append(line)
        status, _, text = line[len(tag) + 1 :].partition(b" ")
        code = text[1:].partition(b"]")[0] if text.startswith(b"[") else b""
        return Answer(status, code, [values_of(line[2:]) for line in lines if line.startswith(b"* ")], lines)

    def ok(self, command: str | bytes) -> Answer:
        """A command that must succeed."""
        answer = self.ask(command)
        assert answer.status == b"OK", (command, answer.status, answer.code)
        return answer

    def close(self) -> None:
        """Close the connection without LOGOUT."""
        self._file.close()
        self.socket.close()

    def _line(self) -> bytes:
        result = line = self._file.readline()
        while literal := _LITERAL.search(line):
            result += self._file.read(int(literal[1]))
            line = self._file.readline()
            result += line
        return result.removesuffix(b"\r\n")


def literal(data: bytes) -> bytes:
    """A literal that does not wait for `+` (RFC 7888)."""
    return b"{%d+}\r\n%b" % (len(data), data)


_TOKEN = re.compile(
    rb"""(?P<space>\ +)|(?P<open>\()|(?P<close>\))
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |~?\{(?P<size>[0-9]+)\}\r\n
    |(?P<atom>(?:\[[^\]]*\]|[^\s()"\[{])+|.)""",
    re.VERBOSE | re.DOTALL,
)


def values_of(line: bytes) -> tuple[Value, ...]:
    """The values of a response. A line with free text is read as far as it can be."""
    stack: list[list[Value]] = [[]]
    for kind, text in _tokens(line):
        if kind == "open":
            stack.append([])
        elif kind == "close" and len(stack) > 1:
            complete = tuple(stack.pop())
            stack[-1].append(complete)
        elif kind == "text":
            stack[-1].append(Text(text))
        elif kind == "atom":
            stack[-1].append(None if text.upper() == b"NIL" else text)
    return tuple(stack[0])


def _tokens(line: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    while position < len(line):
        token = _TOKEN.match(line, position)
        assert token is not None
        position = token.end()
        if token["size"] is not None:
            size = int(token["size"])
            yield "text", line[position : position + size]
            position += size
        elif token["quoted"] is not None:
            yield "text", re.sub(rb"\\(.)", rb"\1", token["quoted"], flags=re.DOTALL)
        elif token["atom"] is not None:
            yield "atom", token["atom"]
        else:
            yield str(token.lastgroup), b""


def fetched(answer: Answer) -> dict[int, dict[bytes, Value]]:
    """The items of FETCH responses by message number; a later response adds to an earlier one."""
    messages: dict[int, dict[bytes, Value]] = {}
    for line in answer.lines:
        match line:
            case (bytes(number), b"FETCH", tuple(items)) if number.isdigit():
                messages.setdefault(int(number), {}).update(
                    {bytes(cast(bytes, name)): value for name, value in zip(items[::2], items[1::2], strict=True)}
                )
    return messages
