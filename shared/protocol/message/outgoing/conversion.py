"""Encodes anew what a peer cannot take: 8-bit octets, NUL, bare CR or LF, and long lines (RFC 6152 §3, RFC 2045 §6).

Only the bodies of leaf parts are encoded; multiparts and message/rfc822 get another label (RFC 2045 §6.4). The scan
gives the parts, so nothing is parsed again but the headers of parts that change. The number of parts and their depth
are those of the scan, which are bounded.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

from shared.protocol.message.headers import header_value
from shared.protocol.message.outgoing.encoders import Target
from shared.protocol.message.outgoing.header import FinalHeader, repaired_header
from shared.protocol.message.outgoing.octets import OctetTraits, survey
from shared.protocol.message.outgoing.part_header import with_encoding
from shared.protocol.message.outgoing.protected import protected_parts
from shared.protocol.message.outgoing.segments import Cleaned, Copied, Encoded, Ranges, Segment, Written, joined
from shared.protocol.message.scan import Part, Scan

_IDENTITIES: Final = frozenset({"", "7bit", "8bit", "binary"})
_DECODABLE: Final = frozenset({"base64", "quoted-printable"})


class CannotConvert(Exception):
    """The message cannot be brought into the needed form; `reason` may be shown to the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Converted(NamedTuple):
    """The header and the body of a converted message."""

    header: bytes
    segments: tuple[Segment, ...]


def converted(header: bytes, scan: Scan, read: Ranges, *, seven_bit: bool) -> Converted:
    """The message without NUL, bare CR or LF and long lines; with `seven_bit` also without 8-bit octets in its body.

    `header` is the final header of the whole message. Raises CannotConvert.
    """
    if scan.truncated:
        raise CannotConvert("its parts are too many or too deeply nested to be converted")
    return _Conversion(header, scan, read, seven_bit).run()


class _Conversion:
    """One conversion. Offsets are those of the stored message."""

    def __init__(self, header: bytes, scan: Scan, read: Ranges, seven_bit: bool) -> None:
        self._header = header
        self._scan = scan
        self._read = read
        self._seven_bit = seven_bit
        self._parents = frozenset(part.parent for part in scan.parts)
        self._protected = tuple(scan.parts[index] for index in protected_parts(scan))
        self._segments: list[Segment] = []
        self._at = scan.header_end
        """The segments made so far cover everything before this offset."""
        self._fit_until = 0
        """The end of a message/global that needs no change; those within it are not looked at again."""

    def run(self) -> Converted:
        for index, part in enumerate(self._scan.parts):
            if index and part.header_start < self._at:
                continue  # within a message/global that was encoded as a whole
            self._between(part.header_start)
            self._part(index, part)
        self._between(self._scan.size)
        return Converted(self._header, joined(self._segments))

    def _part(self, index: int, part: Part) -> None:
        is_container = index in self._parents
        if is_container and not self._is_encoded_whole(part):
            self._write_header(index, part, self._label(part))
            return
        octets = survey(self._read(part.body_start, part.body_end))
        if not self._is_offending(octets):
            self._write_header(index, part, "")
            self._add(Copied(part.body_start, part.body_end), part.body_end)
            return
        self._check_changeable(part.body_start, part.body_end)
        target = self._target(index, part, octets)
        self._write_header(index, part, target, charset=self._missing_charset(index, part, octets))
        source = part.encoding if part.encoding in _DECODABLE else ""
        self._add(Encoded(part.body_start, part.body_end, source, target), part.body_end)

    def _is_encoded_whole(self, part: Part) -> bool:
        """message/global may be encoded, unlike message/rfc822 (RFC 6532 §3.7); its inner header often has UTF-8."""
        if part.content_type != "message/global" or part.body_end <= self._fit_until:
            return False
        if self._is_offending(survey(self._read(part.body_start, part.body_end))):
            return True
        self._fit_until = part.body_end
        return False

    def _target(self, index: int, part: Part, octets: OctetTraits) -> Target:
        if part.encoding in _DECODABLE:
            return "base64"
        if part.encoding not in _IDENTITIES:
            raise CannotConvert(f"a part has the unknown encoding {part.encoding[:40]!r}")
        declared = header_value(self._block(index, part), "Content-Type") or b""
        if declared.lower().startswith((b"multipart/", b"message/")) and not declared.lower().startswith(
            b"message/global"
        ):
            raise CannotConvert("a part with an 8-bit octet, a NUL or a long line is of a type that is never encoded")
        return "quoted-printable" if part.media_type == "text" and not octets.nul else "base64"

    def _missing_charset(self, index: int, part: Part, octets: OctetTraits) -> str:
        """The charset of an 8-bit text without Content-Type, which would be taken for US-ASCII once it is encoded."""
        if not octets.eight_bit or part.media_type != "text" or header_value(self._block(index, part), "Content-Type"):
            return ""
        return "utf-8" if _is_utf8(self._read(part.body_start, part.body_end)) else "unknown-8bit"  # RFC 1428 §3

    def _label(self, part: Part) -> str:
        """The encoding to name in the header of a multipart or message, or "" when it keeps its own."""
        if part.encoding not in ("8bit", "binary") or self._is_protected(part.header_start, part.body_end):
            return ""
        target = "7bit" if self._seven_bit else "8bit"
        return target if target != part.encoding else ""

    def _write_header(self, index: int, part: Part, encoding: str, charset: str = "") -> None:
        """Write the header of a part; that of the message itself is no segment."""
        if not index:
            if encoding:
                self._header = with_encoding(self._header, encoding, charset, is_message=True)
            return
        block = self._block(index, part)
        final = self._repaired(block)
        octets = with_encoding(final.octets, encoding, charset) if encoding else final.octets
        if octets is block:
            self._add(Copied(part.header_start, part.body_start), part.body_start)
        else:
            self._check_changeable(part.header_start, part.body_start)
            self._add(Written(octets), part.body_start)

    def _repaired(self, block: bytes) -> FinalHeader:
        final = repaired_header(block)
        if final.eight_bit and self._seven_bit:
            raise CannotConvert("the header of a part has 8-bit octets")
        if final.overlong:
            raise CannotConvert(f"the field {final.overlong[0][:60]} of a part has a line over 998 octets")
        return final

    def _between(self, stop: int) -> None:
        """Handle the octets before `stop` that belong to no part: delimiters, preambles and epilogues."""
        if self._at >= stop:
            return
        octets = survey(self._read(self._at, stop))
        if not self._is_offending(octets):
            self._add(Copied(self._at, stop), stop)
            return
        if octets.long_line or not self._has_ascii_delimiters:
            raise CannotConvert("there is a line over 998 octets, or a delimiter with 8-bit octets, between two parts")
        self._check_changeable(self._at, stop)
        self._add(Cleaned(self._at, stop, self._seven_bit), stop)

    @cached_property
    def _has_ascii_delimiters(self) -> bool:
        return all(part.parameter("boundary").isascii() for part in self._scan.parts)

    def _is_offending(self, octets: OctetTraits) -> bool:
        return octets.is_binary or octets.long_line or (octets.eight_bit and self._seven_bit)

    def _check_changeable(self, start: int, stop: int) -> None:
        if self._is_protected(start, stop):
            raise CannotConvert("what must be converted is signed or encrypted")

    def _is_protected(self, start: int, stop: int) -> bool:
        return any(part.header_start < stop and start < part.body_end for part in self._protected)

    def _block(self, index: int, part: Part) -> bytes:
        """The header of a part, whose octets the scan has bounded."""
        return b"".join(self._read(part.header_start, part.body_start)) if index else self._header

    def _add(self, segment: Segment, stop: int) -> None:
        self._segments.append(segment)
        self._at = stop


def _is_utf8(pieces: Iterable[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
