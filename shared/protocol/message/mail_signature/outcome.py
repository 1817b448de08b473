"""What became of a mail signature: where it was placed, or the reason for which the message stays as it is."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from shared.protocol.message.outgoing.segments import Ranges, Segment
from shared.protocol.message.scan import Scan


class SkipReason(StrEnum):
    """The reason for which a message stays as it is. The values are stored in events."""

    NO_SIGNATURE = "no-signature"
    """The mail signature is blank."""
    AUTOMATIC = "automatic"
    """A program sent it: Auto-Submitted is other than `no` (RFC 3834 §5)."""
    SIGNED = "signed"
    """Others have signed it with DKIM or ARC, or a part is signed or encrypted, wherever it is."""
    PGP_TEXT = "pgp-text"
    """A text has PGP armour (RFC 9580 §6.2)."""
    REPORT = "report"
    """It is a DSN, an MDN, or another report (RFC 6522)."""
    CALENDAR = "calendar"
    """It is an invitation or a reply to one (RFC 6047 §2.4)."""
    NO_TEXT = "no-text"
    """No part is a text that the sender wrote: there are only attachments or other messages."""
    OTHER_ALTERNATIVE = "other-alternative"
    """An alternative of the text is neither plain text nor HTML, so not all alternatives could have it."""
    ALREADY_THERE = "already-there"
    """The sender's own text has it."""
    TOO_LARGE = "too-large"
    """The texts have more octets than the rules allow to decode."""
    TOO_MANY_PARTS = "too-many-parts"
    """The parts or texts are too many, or too deeply nested."""
    BROKEN_STRUCTURE = "broken-structure"
    """A multipart has no parts, or the header of a text has no end or two types."""
    UNKNOWN_ENCODING = "unknown-encoding"
    BROKEN_ENCODING = "broken-encoding"
    """A base64 text has octets that a decoder would drop."""
    UNKNOWN_CHARSET = "unknown-charset"
    BROKEN_CHARSET = "broken-charset"
    """A text is not of the charset that it names, so it cannot be brought into another one."""


class NotPlaced(NamedTuple):
    """The message stays as it is. `number` is the BODY number of the part that is the reason, or ""."""

    reason: SkipReason
    number: str = ""


class CannotPlace(Exception):
    """Ends the work on a message; `place` returns it as `NotPlaced`."""

    def __init__(self, reason: SkipReason, number: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


class SignaturePosition(StrEnum):
    """Where in a text a mail signature is. The values are stored in events."""

    END = "end"
    ABOVE_QUOTATION = "above-quotation"


class ChangedText(msgspec.Struct, frozen=True):
    """A part that has the mail signature now. `number` is its BODY number."""

    number: str
    subtype: str
    position: SignaturePosition
    encoding: str
    """Its Content-Transfer-Encoding."""
    charset: str
    """The charset that its Content-Type names, or ""."""


class PlacedSignature(NamedTuple):
    """A message with a mail signature, in the form that `outgoing` and a writer of blobs need.

    `header` is the header to send. `scan` and `read` describe the stored message with the changed texts in place:
    `OutgoingMessage(header, scan, read)` needs nothing more. In `scan` the parts, their offsets and `size` are those of
    the changed message, its BODY and BODYSTRUCTURE are empty, and [0, header_end) is still the stored header.
    `segments` are the body as ranges of the stored message and new octets.
    """

    header: bytes
    scan: Scan
    read: Ranges
    segments: tuple[Segment, ...]
    texts: tuple[ChangedText, ...]
