"""The port of text extraction: what is read out of an attachment, and what it may cost.

The status is apart from the text. A text that was read before a limit, a time-out or a crash is kept, and the status
says that there may be more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

OctetSource = Callable[[], Iterator[bytes]]
"""Makes an iterator over the decoded octets, in pieces of at most some 64 KiB; it may raise BlobError."""


class ExtractionStatus(StrEnum):
    """What became of an attachment. The values are stored."""

    OK = "ok"
    """All text was read."""
    EMPTY = "empty"
    """It was read, and there is no text in it: a scanned page, for example."""
    ENCRYPTED = "encrypted"
    """It can be read with a password only."""
    UNSUPPORTED = "unsupported"
    """Its format is none that is read."""
    LIMIT = "limit"
    """A limit of input, output, memory, CPU, parts or depth was reached."""
    CRASHED = "crashed"
    """The reading process died."""
    TIMEOUT = "timeout"
    """It took too long."""
    FAILED = "failed"
    """It is damaged, or not what it seems to be."""


CONCLUSIVE = frozenset((ExtractionStatus.OK, ExtractionStatus.EMPTY))
"""Results that another version of the extractor would not improve; all others are tried again with a new version."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment: its name, its declared type in lower case, its charset or "", and where its octets come from.

    `path` is the number of the part in BODY[number], or another path that is unique within the message.
    """

    path: str
    name: str
    media_type: str
    charset: str
    octets: OctetSource


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What was read. `detail` is for an operator: it is never searched. `version` is that of the extractor."""

    status: ExtractionStatus
    text: str
    detail: str
    version: str


class Budget:
    """What the attachments of a message may cost together, whatever is nested in them."""

    __slots__ = ("characters", "depth", "parts", "seconds")

    def __init__(self, characters: int, parts: int, depth: int, seconds: float) -> None:
        self.characters = characters
        self.parts = parts
        self.depth = depth
        self.seconds = seconds

    @property
    def exhausted(self) -> str:
        """The limit that is reached, in words, or ""."""
        if self.parts <= 0:
            return "the limit of attachments in a message is reached"
        if self.characters <= 0:
            return "the limit of text in a message is reached"
        return "the time for a message is used up" if self.seconds <= 0 else ""


class Extractor(Protocol):
    """Reads text out of attachments."""

    @property
    def version(self) -> str:
        """The version of everything that the text depends on."""

    async def extract(self, attachment: Attachment, budget: Budget) -> ExtractedText:
        """Read an attachment, and charge the budget for it.

        Whatever the attachment is, this returns. Raises BlobError when its octets cannot be read now, and
        ExtractorUnavailable when no reading process can be started; then it is to be tried again.
        """

    async def close(self) -> None:
        """End the reading processes."""


class ExtractorUnavailable(Exception):
    """No reading process can be started now."""
