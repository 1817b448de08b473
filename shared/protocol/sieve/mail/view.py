"""The message in its present form: the original, or as editheader, replace and enclose have changed it.

All tests and actions, those of included scripts too, see this one form (RFC 5293 §7, RFC 6609 §3.5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from shared.protocol.message.headers import field_lines
from shared.protocol.message.scan import Part, Scan, scan
from shared.protocol.message.transfer import decode_pieces, pieces
from shared.protocol.sieve.actions import UNEDITED, MessageEdits
from shared.protocol.sieve.mail.header import MOST_HEADER_OCTETS, SieveHeader, parse_block
from shared.protocol.sieve.mail.message import OctetsInMemory, SieveMessage

ADDED_TOP, ADDED_BOTTOM = -1, -2
MOST_KEPT_OCTETS = 1 << 22
"""Octets of decoded texts that are kept for the next test of the run."""
_EMPTY_LINE = re.compile(rb"(?:\A|\n)\r?\n\Z")


class EditedField(NamedTuple):
    """A field of the present header. `origin` is its number in the original header, or ADDED_TOP or ADDED_BOTTOM."""

    name: bytes
    line: bytes
    origin: int


class PresentMessage:
    """The present form of a message in one run."""

    def __init__(self, message: SieveMessage) -> None:
        self._message = message
        self._block: bytes | None = None
        self._header: SieveHeader | None = None
        self._fields: list[EditedField] | None = None
        self._edits = UNEDITED
        self._redirect_edits: MessageEdits | None = None
        self.changes = 0
        """How often the content was changed."""
        self._part_headers: dict[int, SieveHeader] = {}
        self._texts: dict[tuple[int, bool], bytes] = {}
        self._kept_octets = 0

    @property
    def scan(self) -> Scan:
        """The scan of the present body."""
        return self._message.scan

    @property
    def size(self) -> int:
        """The octets of the message with its prefix, as edits of the header have changed it."""
        size = self._message.scan.size + len(self._message.prefix)
        if self._fields is None or self._edits == UNEDITED:
            return size
        return size + sum(len(field.line) for field in self._fields) - len(self._original_block())

    @property
    def header(self) -> SieveHeader:
        """The present header of the message."""
        if self._header is None:
            changed = None if self._fields is None else b"".join(field.line for field in self._fields)
            self._header = parse_block(self._original_block() if changed is None else changed, self._message.later)
        return self._header

    def unread_octets(self, index: int) -> int:
        """The octets of a part's header that are read and parsed when it is asked for; 0 when it is there already."""
        if index == 0 or index in self._part_headers:
            return 0
        part = self.scan.parts[index]
        return min(part.body_start - part.header_start, MOST_HEADER_OCTETS)

    def part_header(self, index: int) -> SieveHeader:
        """The header of a part; that of part 0 is the message's."""
        if index == 0:
            return self.header
        if index not in self._part_headers:
            part = self.scan.parts[index]
            end = min(part.body_start, part.header_start + MOST_HEADER_OCTETS)
            self._part_headers[index] = parse_block(self.octets(part.header_start, end))
        return self._part_headers[index]

    def octets(self, start: int, end: int) -> bytes:
        """Octets of the present message without its prefix."""
        return self._message.octets.read(start, end)

    def content(self, part: Part, limit: int) -> bytes:
        """The content of a part without its transfer encoding, at most `limit` octets (RFC 2045 §6)."""
        raw = self.octets(part.body_start, min(part.body_end, part.body_start + 4 * limit))
        taken: list[bytes] = []
        left = limit
        for piece in decode_pieces(pieces(raw), part.encoding):
            taken.append(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        return b"".join(taken)

    def text(self, index: int, is_readable: bool, read: Callable[[], bytes]) -> bytes:
        """The decoded text of a part, read once as long as the texts of the message are not too large together."""
        kept = self._texts.get((index, is_readable))
        if kept is not None:
            return kept
        octets = read()
        if self._kept_octets + len(octets) <= MOST_KEPT_OCTETS:
            self._kept_octets += len(octets)
            self._texts[index, is_readable] = octets
        return octets

    def has_body(self) -> bool:
        """Whether an empty line follows the header, so that there is a body, even if it is empty (RFC 5173 §4)."""
        end = self.scan.header_end
        return end < self.scan.size or _EMPTY_LINE.search(self.octets(max(end - 4, 0), end)) is not None

    def fields(self) -> list[EditedField]:
        """The fields of the present header, in order."""
        if self._fields is None:
            lines = field_lines(self._original_block())
            self._fields = [EditedField(name.lower(), line, origin) for origin, (name, line) in enumerate(lines)]
        return self._fields

    def set_fields(self, fields: list[EditedField]) -> None:
        """Change the header."""
        originals = {field.origin for field in fields}
        deleted = self._edits.deleted
        if len(originals) != len(self.fields()) or deleted:
            count = len(field_lines(self._original_block()))
            deleted = tuple(number for number in range(count) if number not in originals)
        self._fields = fields
        self._header = None
        self._edits = MessageEdits(
            tuple(field.line for field in fields if field.origin == ADDED_TOP),
            tuple(field.line for field in fields if field.origin == ADDED_BOTTOM),
            deleted,
            self._edits.content,
        )
        if self._edits.content is not None:
            self.set_content(self.whole())

    def set_content(self, octets: bytes) -> None:
        """Change the whole message; it is scanned again."""
        if self._redirect_edits is None:
            self._redirect_edits = self._edits
        self.changes += 1
        self._message = SieveMessage(OctetsInMemory(octets), scan(octets), later=self._message.later)
        self._edits = MessageEdits(content=octets)
        self._block = self._header = self._fields = None
        self._part_headers.clear()
        self._texts.clear()
        self._kept_octets = 0

    def edits(self) -> MessageEdits:
        """The changes so far."""
        return self._edits

    def edits_for_redirect(self) -> MessageEdits:
        """The changes that a redirect sends: replace and enclose do not affect it (RFC 5703 §5, §6)."""
        return self._edits if self._redirect_edits is None else self._redirect_edits

    def header_block(self) -> bytes:
        """The lines of the present header, without the blank line."""
        return b"".join(field.line if field.line.endswith(b"\n") else field.line + b"\r\n" for field in self.fields())

    def whole(self) -> bytes:
        """The present message: header, blank line, body."""
        return self.header_block() + b"\r\n" + self.octets(self.scan.header_end, self.scan.size)

    def _original_block(self) -> bytes:
        if self._block is None:
            message = self._message
            self._block = message.prefix + message.octets.read(0, min(message.scan.header_end, MOST_HEADER_OCTETS))
        return self._block
