"""SMTP replies out of a stream of bytes (RFC 5321 section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 65536
"""Octets of one reply line we are ready to wait for."""


class BadReply(ValueError):
    """The server sent something that is no reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A code and the text of the last line."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """2yz or 3yz."""
        return 200 <= self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class ReplyFramer:
    """Bytes in, whole replies out; any cut of the bytes gives the same replies."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that these bytes complete. Raises BadReply."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            raise BadReply("endless reply line")
        return [_reply(line) for line in lines if line[3:4] != b"-"]


def _reply(line: bytes) -> Reply:
    if not line[:3].isdigit():
        raise BadReply(f"not a reply: {line[:80]!r}")
    return Reply(int(line[:3]), line[4:].decode("utf-8", "replace").rstrip())
