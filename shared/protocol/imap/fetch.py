"""What a FETCH asks for: one value per data item, with the label its answer carries."""

from enum import Enum

import msgspec

from shared.protocol.imap.section import SectionSpec


class FetchAttribute(Enum):
    """Data items without an argument; the value is their wire name."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"  # the structure without extension data
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"  # RFC 7162
    EMAILID = b"EMAILID"  # RFC 8474
    THREADID = b"THREADID"  # RFC 8474


class Partial(msgspec.Struct, frozen=True):
    """`<start.count>`: at most `count` octets from octet `start` (RFC 3501 6.4.5)."""

    start: int
    count: int


class BodySection(msgspec.Struct, frozen=True):
    """Octets of a message, as they are: BODY[...], BODY.PEEK[...] and the RFC822 forms.

    `label` is the ready name for the answer, `BODY[TEXT]<0>` or `RFC822.HEADER`. Unless `peek`, fetching sets \\Seen.
    """

    section: SectionSpec
    label: bytes
    peek: bool = False
    partial: Partial | None = None


class BinarySection(msgspec.Struct, frozen=True):
    """Octets of a part with its content-transfer-encoding undone: BINARY[...] (RFC 3516)."""

    part: tuple[int, ...]
    label: bytes
    peek: bool = False
    partial: Partial | None = None


class BinarySize(msgspec.Struct, frozen=True):
    """The decoded size of a part: BINARY.SIZE[...] (RFC 3516)."""

    part: tuple[int, ...]
    label: bytes


FetchItem = FetchAttribute | BodySection | BinarySection | BinarySize

FAST = (FetchAttribute.FLAGS, FetchAttribute.INTERNALDATE, FetchAttribute.RFC822_SIZE)
ALL = (*FAST, FetchAttribute.ENVELOPE)
FULL = (*ALL, FetchAttribute.BODY)

MACROS: dict[bytes, tuple[FetchItem, ...]] = {b"ALL": ALL, b"FAST": FAST, b"FULL": FULL}
"""RFC 3501 6.4.5: a macro stands alone, never in a list."""


def sets_seen(items: tuple[FetchItem, ...]) -> bool:
    """Whether answering these items marks the message \\Seen (RFC 3501 6.4.5)."""
    return any(isinstance(item, BodySection | BinarySection) and not item.peek for item in items)
