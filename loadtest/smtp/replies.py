"""Splits a byte stream into SMTP replies (RFC 5321 §4.2)."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 65536
"""The largest accepted reply line in octets."""


class BadReply(ValueError):
    """The server sent something that is not a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A code and the text of the last line."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Whether the code is 2yz or 3yz."""
        return 200 <= self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class ReplyFramer:
    """Splits bytes into complete replies; the division of the bytes does not matter."""

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
