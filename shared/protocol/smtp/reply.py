"""A reply, from the wire to a notification: code, enhanced status, public text, reference, private cause."""

import re
from typing import Final

import msgspec

LINE_LIMIT: Final = 512  # octets of a reply line, CRLF included: RFC 5321 §4.5.3.1.5
_TEXT_ROOM: Final = LINE_LIMIT - len("550-5.7.123 ") - len("\r\n")
_UNPRINTABLE = re.compile(r"[^ -~]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A reply of the server.

    ``text`` has one line each. ``reference`` is sent with a 4xx or 5xx; ``cause`` is never sent. The enhanced status
    code (RFC 2034) is None where the protocol has none: greeting, EHLO, 3xx.
    """

    code: int
    enhanced: str | None
    text: tuple[str, ...]
    reference: str | None = None
    cause: str | None = None
    utf8: bool = False
    """Whether the text may be UTF-8, because the client has asked for SMTPUTF8 (RFC 6531 §3.5)."""

    @property
    def is_positive(self) -> bool:
        """Whether the command was accepted (2xx or 3xx)."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """Whether a repeat may succeed later (4xx)."""
        return 400 <= self.code < 500

    @property
    def status(self) -> str:
        """The enhanced status code, or the general one of the class, because a DSN must have one (RFC 3464 §2.3.4)."""
        return self.enhanced or f"{self.code // 100}.0.0"

    @property
    def diagnostic(self) -> str:
        """The Diagnostic-Code of a DSN in one line: ``smtp; 550 5.1.1 …`` (RFC 3464 §2.3.6)."""
        return f"smtp; {self.code} {self._prefix}{' '.join(self._printable())}"

    def encode(self) -> bytes:
        """The reply on the wire; no text can break its line (RFC 5321 §4.2)."""
        lines = self._lines()
        start, prefix = str(self.code), self._prefix
        last = f"{start} {prefix}{lines[-1]}\r\n"
        if len(lines) == 1:
            return last.encode()
        return ("".join([f"{start}-{prefix}{line}\r\n" for line in lines[:-1]]) + last).encode()

    @property
    def _prefix(self) -> str:
        return f"{self.enhanced} " if self.enhanced else ""

    def _lines(self) -> list[str]:
        lines = self._printable(self.utf8)
        longest = max(len(line) if line.isascii() else len(line.encode()) for line in lines)
        return lines if longest <= _TEXT_ROOM else [piece for line in lines for piece in _split(line)]

    def _printable(self, utf8: bool = False) -> list[str]:
        """The text, each line in printable ASCII or UTF-8, the last one with the reference."""
        unprintable = _CONTROLS if utf8 else _UNPRINTABLE
        lines = [
            line if line.isascii() and line.isprintable() else unprintable.sub("?", line) for line in self.text
        ] or [""]
        if self.reference is not None and self.code >= 400:
            lines[-1] += f" (ref {self.reference})"
        return lines


def with_reference(reply: Reply, reference: str) -> Reply:
    """The same reply with a reference, by which its receiver can refer to it."""
    return Reply(reply.code, reply.enhanced, reply.text, reference, reply.cause, reply.utf8)


def with_cause(reply: Reply, cause: str) -> Reply:
    """The same reply with a cause, which only the operator may see."""
    return Reply(reply.code, reply.enhanced, reply.text, reply.reference, cause, reply.utf8)


def _split(line: str) -> list[str]:
    """A line split at the maximum length of a reply line, and never within a character."""
    if line.isascii():
        return [line[start : start + _TEXT_ROOM] for start in range(0, len(line), _TEXT_ROOM)] or [""]
    octets, start, pieces = line.encode(), 0, []
    while start < len(octets):
        end = min(start + _TEXT_ROOM, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[start:end].decode())
        start = end
    return pieces
