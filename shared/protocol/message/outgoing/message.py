"""An outgoing message: what it needs, and its final form for a peer, decided once and before it is signed.

The body is read in pieces, at most twice to find the form and once for each `FinalMessage.body`. Nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import msgspec

from shared.protocol.message.outgoing.conversion import CannotConvert, converted
from shared.protocol.message.outgoing.encoders import with_last_line_end
from shared.protocol.message.outgoing.header import final_header
from shared.protocol.message.outgoing.octets import OctetTraits, survey
from shared.protocol.message.outgoing.protected import foreign_signature
from shared.protocol.message.outgoing.segments import Copied, Ranges, Segment, segment_pieces
from shared.protocol.message.scan import Scan
from shared.protocol.smtp.commands import BodyType

CONVERSION_FAILED: Final = "5.6.3"
"""Conversion required but not supported (RFC 3463 §3.7, RFC 6152 §3)."""
NEEDS_SMTPUTF8: Final = "5.6.7"
"""Non-ASCII addresses not permitted (RFC 6531 §4.3)."""


class Needs(msgspec.Struct, frozen=True):
    """What a message has that SMTP without extensions cannot carry."""

    eight_bit: bool = False
    """Octets over 127 in the body, or in the header: 8BITMIME (RFC 6152)."""
    binary: bool = False
    """NUL, bare CR or bare LF in the body: BINARYMIME and CHUNKING (RFC 3030)."""
    smtputf8: bool = False
    """Octets over 127 in the header: SMTPUTF8 (RFC 6531 §3.4). The envelope may need it too (`Address.is_ascii`)."""
    long_lines: bool = False
    """Lines over 998 octets in the body (RFC 5321 §4.5.3.1.6)."""
    long_fields: tuple[str, ...] = ()
    """Header fields with a line over 998 octets that cannot be folded."""


class PeerForms(msgspec.Struct, frozen=True):
    """The forms that a peer takes, by the extensions in its reply to EHLO."""

    eight_bit: bool = False
    """8BITMIME."""
    binary: bool = False
    """BINARYMIME and CHUNKING."""
    smtputf8: bool = False
    long_lines: bool = False
    """Whether long lines that cannot be converted are sent as they are. It is no extension: many servers take such
    lines, and others refuse or cut them."""


class FinalMessage(msgspec.Struct, frozen=True):
    """The octets to sign and to send."""

    header: bytes
    """The header block with the blank line at its end. Signatures are put in front of it."""
    segments: tuple[Segment, ...]
    read: Ranges
    body_type: BodyType
    """BODY= of MAIL. BINARY_MIME is sent with BDAT only (RFC 3030 §3)."""
    smtputf8: bool
    size: int
    """Octets of header and body, for SIZE= (RFC 1870 §3)."""
    is_converted: bool
    """Whether parts were encoded anew."""

    @property
    def eight_bit(self) -> bool:
        """Whether the octets need 8BITMIME."""
        return self.body_type is BodyType.EIGHT_BIT_MIME

    @property
    def binary(self) -> bool:
        """Whether the octets need BINARYMIME, so they are sent with BDAT."""
        return self.body_type is BodyType.BINARY_MIME

    def body(self) -> Iterator[bytes]:
        """The octets of the body in pieces of bounded size, the same at every call.

        They end with CRLF, except for a binary or empty body. Raises what `read` raises.
        """
        return _body(self.segments, self.read, self.body_type)


class Unsendable(msgspec.Struct, frozen=True):
    """The message has no form that the peer takes; another peer may take it."""

    status: str
    """5.6.3 or 5.6.7."""
    reason: str


class OutgoingMessage:
    """A stored message that is to be sent."""

    def __init__(self, header: bytes, scan: Scan, read: Ranges) -> None:
        """`header` is the header block as it is to be sent, with what was put in front of the stored one. `scan` and
        `read` are of the stored message."""
        self._scan = scan
        self._read = read
        self.signed_by_others = foreign_signature(header)
        """The name of the field by which others have signed the message, or ""."""
        self._header = final_header(header, may_add_blanks=not self.signed_by_others)

    @cached_property
    def _octets(self) -> OctetTraits:
        return survey(self._read(self._scan.header_end, self._scan.size))

    @cached_property
    def needs(self) -> Needs:
        """What the message needs. The first access reads the body. Raises what `read` raises."""
        octets = self._octets
        return Needs(
            octets.eight_bit or self._header.eight_bit,
            octets.is_binary,
            self._header.eight_bit,
            octets.long_line,
            self._header.overlong,
        )

    def form(self, peer: PeerForms) -> FinalMessage | Unsendable:
        """The final form for a peer. Raises what `read` raises.

        What the peer takes leaves as it is. Else parts are encoded anew, unless others have signed or encrypted them:
        25 MB take 0.05 s of CPU to examine, and some 1 s to encode, so a server handles large messages in a thread.
        """
        needs = self.needs
        if needs.smtputf8 and not peer.smtputf8:
            return Unsendable(NEEDS_SMTPUTF8, "the header has 8-bit octets, and the server does not offer SMTPUTF8")
        if needs.long_fields and not peer.long_lines:
            name = needs.long_fields[0][:60]
            return Unsendable(CONVERSION_FAILED, f"the field {name} has a line over 998 octets that cannot be folded")
        if needs.binary and peer.binary:
            return self._as_it_is(BodyType.BINARY_MIME)
        demand = _demand(needs, peer)
        if not demand:
            return self._as_it_is(_text_type(needs, peer))
        return self._converted(peer, demand)

    def _converted(self, peer: PeerForms, demand: str) -> FinalMessage | Unsendable:
        seven_bit = self.needs.eight_bit and not peer.eight_bit
        try:
            if self.signed_by_others:
                raise CannotConvert(f"others have signed it ({self.signed_by_others})")
            header, segments = converted(self._header.octets, self._scan, self._read, seven_bit=seven_bit)
        except CannotConvert as error:
            return self._unconverted(peer, f"{demand}, and the message cannot be converted: {error.reason}")
        body_type = BodyType.SEVEN_BIT if seven_bit else _text_type(self.needs, peer)
        size = len(header) + sum(map(len, _body(segments, self._read, body_type)))
        return FinalMessage(header, segments, self._read, body_type, self.needs.smtputf8, size, is_converted=True)

    def _unconverted(self, peer: PeerForms, reason: str) -> FinalMessage | Unsendable:
        """Long lines alone may leave as they are, where 8-bit octets and NUL may not."""
        needs = self.needs
        if not needs.binary and (peer.eight_bit or not needs.eight_bit):
            if peer.binary:
                return self._as_it_is(BodyType.BINARY_MIME)
            if peer.long_lines:
                return self._as_it_is(_text_type(needs, peer))
        return Unsendable(CONVERSION_FAILED, reason)

    def _as_it_is(self, body_type: BodyType) -> FinalMessage:
        header, start, stop = self._header.octets, self._scan.header_end, self._scan.size
        added = 0 if self._octets.ends_line or body_type is BodyType.BINARY_MIME else 2
        return FinalMessage(
            header,
            (Copied(start, stop),),
            self._read,
            body_type,
            self.needs.smtputf8,
            len(header) + stop - start + added,
            is_converted=False,
        )


def _body(segments: tuple[Segment, ...], read: Ranges, body_type: BodyType) -> Iterator[bytes]:
    pieces = (piece for segment in segments for piece in segment_pieces(segment, read))
    return pieces if body_type is BodyType.BINARY_MIME else with_last_line_end(pieces)


def _demand(needs: Needs, peer: PeerForms) -> str:
    """What the peer lacks for this message, or ""."""
    if needs.eight_bit and not peer.eight_bit:
        return "the server does not offer 8BITMIME"
    if needs.binary:
        return "the body has NUL, or CR or LF alone, and the server does not offer BINARYMIME"
    return "a line has more than 998 octets" if needs.long_lines else ""


def _text_type(needs: Needs, peer: PeerForms) -> BodyType:
    return BodyType.EIGHT_BIT_MIME if needs.eight_bit and peer.eight_bit else BodyType.SEVEN_BIT
