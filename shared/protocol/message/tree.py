"""The parts of a message while it is scanned: a flat list in order, in which each part knows its parent."""

from collections.abc import Iterator, Sequence

from shared.protocol.message.addresses import AddressLimits
from shared.protocol.message.content import NO_CONTENT, PLAIN_TEXT, Fields, parse_content
from shared.protocol.message.envelope import Envelope, read_envelope

NO_PARENT = -1


class Draft:
    """A part that is being found. Offsets count from the first byte of the message; lines are counted by LF."""

    __slots__ = (
        "begins_message",
        "body_end",
        "body_start",
        "content",
        "depth",
        "envelope",
        "fields",
        "has_parts",
        "header_start",
        "lines",
        "opaque",
        "parent",
        "type",
    )

    def __init__(self, parent: int, depth: int, header_start: int) -> None:
        self.parent = parent
        self.depth = depth
        self.header_start = header_start
        self.body_start = self.body_end = header_start
        self.lines = 0
        self.type = PLAIN_TEXT
        self.fields: Fields = {}
        self.begins_message = False
        self.content = NO_CONTENT
        self.envelope: Envelope | None = None  # of the message that begins with this part
        self.has_parts = False
        self.opaque = False  # a limit forbids dividing it

    def read_fields(self, limits: AddressLimits) -> None:
        """Read the header fields other than the type."""
        self.content = parse_content(self.fields)
        self.envelope = read_envelope(self.fields, limits) if self.begins_message else None

    @property
    def is_multipart(self) -> bool:
        """Whether it is a multipart in which parts were found."""
        return self.has_parts and self.type.media_type == b"multipart"


def settle(draft: Draft) -> None:
    """Give a multipart without parts another type, because IMAP cannot express it (`1*body`).

    It becomes text/plain (RFC 2045 §5.2), or application/octet-stream when a limit forbade dividing it.
    """
    if draft.type.media_type == b"multipart" and not draft.has_parts:
        seen_as = (b"application", b"octet-stream") if draft.opaque else (b"text", b"plain")
        draft.type = draft.type._replace(media_type=seen_as[0], subtype=seen_as[1])


def numbers(drafts: Sequence[Draft]) -> Iterator[str]:
    """The IMAP part number of each part (RFC 3501 §6.4.5).

    The only part of a message that is no multipart has number 1. A multipart that is a whole message has the number of
    that message: "" at the top, and "2" also inside part 2 (message/rfc822).
    """
    result: list[str] = []
    counts = [0] * len(drafts)
    for draft in drafts:
        prefix = result[draft.parent] if draft.parent >= 0 else ""
        if draft.parent < 0 or not drafts[draft.parent].is_multipart:
            number = prefix if draft.is_multipart else _joined(prefix, 1)
        else:
            counts[draft.parent] += 1
            number = _joined(prefix, counts[draft.parent])
        result.append(number)
        yield number


def _joined(prefix: str, number: int) -> str:
    return f"{prefix}.{number}" if prefix else str(number)
