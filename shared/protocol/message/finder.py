"""Finds the parts of a message (RFC 2046) while its bytes arrive in any pieces.

It has two states: in the header of the present part it looks for the blank line that ends it; in a body it looks for
the next delimiter of an open multipart. In memory are the headers of parts within a limit, one piece of at most 64 KiB,
and the last line before it.
"""

import re
from dataclasses import dataclass

from shared.protocol.message.addresses import AddressLimits
from shared.protocol.message.content import parse_type
from shared.protocol.message.delimiter import Delimiter, Delimiters, resume
from shared.protocol.message.envelope import ENVELOPE_FIELDS
from shared.protocol.message.headers import raw_fields
from shared.protocol.message.tree import NO_PARENT, Draft, settle

_HEADER_END = re.compile(rb"\n\r?\n")
_PIECE = 65536
_CONTENT_FIELDS = frozenset(
    b"content-" + name
    for name in (b"type", b"transfer-encoding", b"id", b"description", b"md5", b"disposition", b"language", b"location")
)
_MESSAGE_FIELDS = _CONTENT_FIELDS | ENVELOPE_FIELDS


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Limits against hostile messages.

    Beyond `max_depth` a multipart or message is not divided. Beyond `max_parts` no further part is searched for. Beyond
    `max_header_bytes` (all parts together) header bytes are skipped.
    """

    max_depth: int = 100
    max_parts: int = 1000
    max_header_bytes: int = 1 << 19


DEFAULT_LIMITS = ScanLimits()


class PartFinder:
    """Takes the bytes of a message piece by piece; afterwards `drafts` are its parts.

    Of a header only the fields that determine the structure are read here; the rest is read at the end of the message.
    """

    def __init__(self, limits: ScanLimits = DEFAULT_LIMITS) -> None:
        self.drafts: list[Draft] = []
        self.size = 0
        self.truncated = False
        self._limits = limits
        self._budget = limits.max_header_bytes
        self._incoming: list[bytes] = []
        self._waiting = 0
        # A line break before the first byte, so that every line begins after one; `_base` is its offset.
        self._data = b"\n"
        self._base = -1
        self._at = 0
        # the first blank line after `_at`, or None when there is none in `_data`
        self._blank: re.Match[bytes] | None = None
        self._blank_is_known = False
        self._counted = 0
        self._newlines = 0
        self._delimiters = Delimiters()
        self._path: list[int] = []
        self._multiparts: list[int] = []  # for each open boundary the part that it divides
        self._head: list[bytes] = []
        self._head_from = 0
        self._in_header = True
        self._open_part(NO_PARENT, 1, 0)

    @property
    def header_bytes(self) -> int:
        """Octets of the headers that were kept, with which the work at the end of the message grows."""
        return self._limits.max_header_bytes - self._budget

    @property
    def octets(self) -> int:
        """The number of octets taken so far."""
        return self.size + self._waiting

    @property
    def body_lines(self) -> int:
        """The line breaks after the message's own header, or in all of the message while that header continues."""
        if not self._path:
            return self.drafts[0].lines
        waiting = sum(piece.count(b"\n") for piece in self._incoming)
        return self.drafts[0].lines + self._newlines + self._data.count(b"\n", self._counted - self._base) + waiting

    def feed(self, chunk: bytes) -> None:
        """Take more bytes.

        Small pieces are collected and large ones divided. So bytes one by one cost no more than all at once, and no
        search for something missing runs to the end of a large message for each part.
        """
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            self._incoming.append(piece)
            self._waiting += len(piece)
            if self._waiting >= _PIECE:
                self._advance(final=False)

    def finish(self) -> None:
        """End the message and every open part."""
        self._advance(final=True)
        self._close(0, self.size)
        addresses = AddressLimits()
        for draft in self.drafts:
            settle(draft)
            draft.read_fields(addresses)
        self.truncated |= addresses.are_met

    def _advance(self, final: bool) -> None:
        self._data += b"".join(self._incoming)
        self._incoming.clear()
        self.size += self._waiting
        self._waiting = 0
        self._blank_is_known = False
        while self._header(final) if self._in_header else self._body(final):
            pass
        if not final:
            self._drop(resume(self._data, self._at))

    def _drop(self, at: int) -> None:
        """Drop bytes that are decided, except for one byte: a CR that may belong to a delimiter."""
        keep = max(at - 1, 0)
        if self._in_header:
            self._keep_header(keep)
        self._count(self._base + keep)
        self._data = self._data[keep:]
        self._base += keep
        self._at = at - keep

    def _keep_header(self, stop: int) -> None:
        """Keep bytes of the present header up to `stop`, within the limit."""
        start = self._head_from - self._base
        if stop <= start:
            return
        self._head_from = self._base + stop
        taken = min(stop - start, self._budget)
        self.truncated |= taken < stop - start
        self._budget -= taken
        self._head.append(self._data[start : start + taken])

    def _count(self, offset: int) -> None:
        """Count line breaks up to this offset, which must not decrease."""
        if offset > self._counted:
            self._newlines += self._data.count(b"\n", self._counted - self._base, offset - self._base)
            self._counted = offset

    def _header(self, final: bool) -> bool:
        blank = self._blank_line()
        stop = blank.end() if blank else len(self._data)
        if delimiter := self._delimiters.find(self._data, self._at, stop, final and not blank):
            # The part ends within its own header; its delimiter may even touch the one before (RFC 2046 §5.1.1).
            offset = max(self._base + delimiter.start, self._head_from)
            while self._in_header:  # in a message/rfc822 without a body, the inner message begins and ends here as well
                self._begin_body(offset)
            self._pass(delimiter)
            return True
        if not blank and not final:
            return False
        self._at = stop - 1
        self._begin_body(self._base + stop)
        return True

    def _blank_line(self) -> re.Match[bytes] | None:
        """The first blank line at or behind `_at`. It is searched for once, however many parts begin before it."""
        if not self._blank_is_known or (self._blank is not None and self._blank.start() < self._at):
            self._blank = _HEADER_END.search(self._data, self._at)
            self._blank_is_known = True
        return self._blank

    def _body(self, final: bool) -> bool:
        delimiter = self._delimiters.find(self._data, self._at, len(self._data), final)
        if delimiter:
            self._pass(delimiter)
        return delimiter is not None

    def _pass(self, delimiter: Delimiter) -> None:
        """Handle a delimiter line: it ends all parts within its multipart, and begins the next part or the epilogue."""
        if delimiter.level >= len(self._multiparts):
            return  # a limit was reached at this line, and the multipart was closed
        owner = self._multiparts[delimiter.level]
        self._close(self._path.index(owner) + 1, self._base + delimiter.start)
        self._at = delimiter.stop - 1
        self._in_header = False
        if delimiter.closing:
            self._limit_boundaries(delimiter.level)
            return
        self._limit_boundaries(delimiter.level + 1)
        if self._has_room():
            self._open_part(owner, self.drafts[owner].depth + 1, self._base + delimiter.stop)

    def _limit_boundaries(self, count: int) -> None:
        self._delimiters.truncate(count)
        del self._multiparts[count:]

    def _has_room(self) -> bool:
        if len(self.drafts) < self._limits.max_parts:
            return True
        self.truncated = True
        self._limit_boundaries(0)
        return False

    def _open_part(self, parent: int, depth: int, offset: int) -> None:
        self._path.append(len(self.drafts))
        self.drafts.append(Draft(parent, depth, offset))
        if parent != NO_PARENT:
            self.drafts[parent].has_parts = True
        self._in_header = True
        self._head_from = offset
        self._head.clear()

    def _begin_body(self, offset: int) -> None:
        index = self._path[-1]
        draft = self.drafts[index]
        self._keep_header(offset - self._base)
        self._count(offset)
        draft.body_start = offset
        draft.lines = -self._newlines
        self._in_header = False
        self._read_header(draft, b"".join(self._head))
        self._look_inside(index, draft)

    def _read_header(self, draft: Draft, block: bytes) -> None:
        parent = self.drafts[draft.parent].type if draft.parent != NO_PARENT else None
        draft.begins_message = parent is None or parent.is_message
        kept = _MESSAGE_FIELDS if draft.begins_message else _CONTENT_FIELDS
        fields: dict[bytes, list[bytes]] = {}
        for name, value in raw_fields(block):
            key = name.lower()
            if key in kept:
                fields.setdefault(key, []).append(value)
        draft.fields = fields
        in_digest = parent is not None and not parent.is_message and parent.subtype == b"digest"
        draft.type = parse_type(fields, in_digest)

    def _look_inside(self, index: int, draft: Draft) -> None:
        boundary, nested = draft.type.boundary(), draft.type.holds_message
        if not boundary and not nested:
            return
        if draft.depth >= self._limits.max_depth:
            self.truncated = draft.opaque = True
        elif boundary:
            self._delimiters.push(boundary)
            self._multiparts.append(index)
        elif self._has_room():
            self._open_part(index, draft.depth + 1, draft.body_start)

    def _close(self, length: int, offset: int) -> None:
        """End the open parts beyond the first `length` of the path; a part never ends before its own body begins."""
        closing = self._path[length:]
        if not closing:
            return
        end = max(offset, self.drafts[closing[-1]].body_start)
        self._count(end)
        for index in closing:
            self.drafts[index].body_end = end
            self.drafts[index].lines += self._newlines
        del self._path[length:]
