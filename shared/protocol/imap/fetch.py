"""The data items of FETCH: one value for each, with the label of its response."""

from enum import Enum

import msgspec

from shared.protocol.imap.section import SectionSpec


class FetchAttribute(Enum):
    """Data items without an argument; the value is the name on the wire."""

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
    SAVEDATE = b"SAVEDATE"  # RFC 8514


class Partial(msgspec.Struct, frozen=True):
    """`<start.count>`: at most `count` octets from octet `start` (RFC 3501 §6.4.5)."""

    start: int
    count: int


class BodySection(msgspec.Struct, frozen=True):
    r"""Octets of a message, unchanged: BODY[...], BODY.PEEK[...] and the RFC822 forms.

    `label` is the name in the response, `BODY[TEXT]<0>` or `RFC822.HEADER`. Without `peek`, the fetch sets \Seen.
    """

    section: SectionSpec
    label: bytes
    peek: bool = False
    partial: Partial | None = None


class BinarySection(msgspec.Struct, frozen=True):
    """Octets of a part with its content-transfer-encoding decoded: BINARY[...] (RFC 3516)."""

    part: tuple[int, ...]
    label: bytes
    peek: bool = False
    partial: Partial | None = None


class BinarySize(msgspec.Struct, frozen=True):
    """The decoded size of a part: BINARY.SIZE[...] (RFC 3516)."""

    part: tuple[int, ...]
    label: bytes


class PreviewItem(msgspec.Struct, frozen=True):
    """The first words of a message: PREVIEW (RFC 8970). `is_lazy`: only if they are at hand."""

    is_lazy: bool = False


FetchItem = FetchAttribute | BodySection | BinarySection | BinarySize | PreviewItem

FAST = (FetchAttribute.FLAGS, FetchAttribute.INTERNALDATE, FetchAttribute.RFC822_SIZE)
ALL = (*FAST, FetchAttribute.ENVELOPE)
FULL = (*ALL, FetchAttribute.BODY)

MACROS: dict[bytes, tuple[FetchItem, ...]] = {b"ALL": ALL, b"FAST": FAST, b"FULL": FULL}
"""The macros of RFC 3501 §6.4.5, which are used alone and never in a list."""


def sets_seen(items: tuple[FetchItem, ...]) -> bool:
    r"""Whether a fetch of these items sets \Seen (RFC 3501 §6.4.5)."""
    return any(isinstance(item, BodySection | BinarySection) and not item.peek for item in items)
