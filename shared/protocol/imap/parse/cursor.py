"""A position in the bytes of one command."""

import re

from shared.protocol.imap.error import ImapSyntaxError


class Cursor:
    """A position that only moves forward.

    `utf8`: the client has enabled IMAP4rev2 or UTF8=ACCEPT, so mailbox names are UTF-8.
    """

    __slots__ = ("data", "pos", "utf8")

    def __init__(self, data: bytes, pos: int = 0, utf8: bool = False) -> None:
        self.data = data
        self.pos = pos
        self.utf8 = utf8

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Match the pattern here and step over it; without a match the position stays."""
        match = pattern.match(self.data, self.pos)
        if match is not None:
            self.pos = match.end()
        return match

    def need(self, pattern: re.Pattern[bytes], error: str) -> bytes:
        """Match the pattern here and step over it. Raises ImapSyntaxError with the given text."""
        match = pattern.match(self.data, self.pos)
        if match is None:
            raise ImapSyntaxError(error)
        self.pos = match.end()
        return match[0]

    def looking_at(self, text: bytes) -> bool:
        """Whether these bytes follow."""
        return self.data.startswith(text, self.pos)

    def accept(self, text: bytes) -> bool:
        """Step over these bytes if they follow; returns whether they did."""
        if self.data.startswith(text, self.pos):
            self.pos += len(text)
            return True
        return False

    def expect(self, text: bytes) -> None:
        """Step over these bytes. Raises ImapSyntaxError when others follow."""
        if not self.data.startswith(text, self.pos):
            raise ImapSyntaxError(_expected_text(text))
        self.pos += len(text)

    def space(self) -> None:
        """Step over a space. Raises ImapSyntaxError."""
        if self.data[self.pos : self.pos + 1] != b" ":
            raise ImapSyntaxError("Missing argument or space")
        self.pos += 1

    def at_end(self) -> bool:
        """Whether the end of the command is reached."""
        return self.pos >= len(self.data)

    def end(self) -> None:
        """Require the end of the command. Raises ImapSyntaxError when text is left."""
        if self.pos < len(self.data):
            raise ImapSyntaxError("Unexpected text after the command")


def _expected_text(text: bytes) -> str:
    return f"Expected {text.decode('ascii')}"
