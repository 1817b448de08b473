"""One message under examination. Its bytes are read and decoded only when a key needs them.

`shared.protocol.message.search_texts` defines what each key examines.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from shared.blobs.port import Blob
from shared.protocol.message.dates import written_day
from shared.protocol.message.folding import fold
from shared.protocol.message.headers import header_value
from shared.protocol.message.needles import Needles
from shared.protocol.message.scan import Scan, decode_scan, header_end
from shared.protocol.message.search_texts import (
    HEADER_LIMIT,
    all_field_texts,
    body_texts,
    field_texts,
    header_texts,
    part_header_texts,
)
from shared.protocol.search.fuzzy import fuzzy_field
from shared.protocol.search.message_words import WordTexts, text_words, word_texts

_TEXTS = frozenset({"text", "message"})
_MINUTE, _DAY = 60_000_000, 86_400_000_000
"""A minute and a day in microseconds."""


class EntryRow(NamedTuple):
    """The row of a message."""

    uid: int
    system: int
    keywords: str
    modseq: int
    size: int
    internal_date: int
    """Microseconds since 1970 UTC."""
    zone: int
    """Minutes east of UTC in which the internal date was given."""
    saved: int
    """When the message came into this mailbox, in microseconds since 1970 UTC."""
    content: str
    thread: str
    blob: str = ""
    prefix: bytes | None = None
    """None: it was not read."""


class Candidate:
    """Gives the keys of a search access to a message. All texts are case-folded."""

    def __init__(self, row: EntryRow, blob: Blob | None, scan: Scan | None = None) -> None:
        self.row = row
        self._blob = blob
        self._scan = scan  # None: the stored scan is decoded when it is needed
        self._header: bytes | None = None
        self.answers: dict[int, bool] = {}
        """The answers so far, by the number of the question."""

    @property
    def internal_day(self) -> int:
        """The day of the internal date as it was given, as days since 1970-01-01 («disregarding time and timezone»,
        RFC 3501 §6.4.4).
        """
        return (self.row.internal_date + self.row.zone * _MINUTE) // _DAY

    @property
    def sent_day(self) -> int | None:
        """The day in the Date field, as days since 1970-01-01, «disregarding time and timezone» (RFC 3501 §6.4.4)."""
        return written_day(header_value(self._block, b"date") or b"")

    @cached_property
    def keywords(self) -> frozenset[str]:
        """The keywords of the message in lower case."""
        return frozenset(self.row.keywords.lower().split())

    @property
    def header_octets(self) -> int:
        """The size of the message's own header, as far as it is examined."""
        return len(self._block)

    def values(self, name: str, needles: Needles | None = None) -> list[str]:
        """The texts of the header fields with this name.

        With needles, texts that contain none of them may be left out; the same holds for the methods below.
        """
        return [fold(text) for text in field_texts(self._block, name, needles)]

    def header(self, needles: Needles | None = None) -> Iterator[str]:
        """The lines of the message's own header, to be concatenated unchanged."""
        return (fold(line) + "\n" for line in header_texts(self._block, needles))

    def part_headers(self, needles: Needles | None = None) -> Iterator[str]:
        """The headers of the message's parts, to be concatenated unchanged."""
        if self._blob is None:
            return iter(())
        return (fold(line) + "\n" for line in part_header_texts(self._blob, self._scanned, needles))

    def body(self, needles: Needles | None = None) -> Iterator[str]:
        """The text that BODY examines, in pieces to be concatenated unchanged."""
        if self._blob is None:
            return iter(())
        return (fold(text) for text in body_texts(self._blob, self._scanned, needles))

    def words(self, *, with_body: bool) -> WordTexts:
        """The words of the fields, and of the body if asked for; those of attachments are not known."""
        fields = [(name, fold(text)) for name, text in all_field_texts(self._block) if fuzzy_field(name) is not None]
        texts = word_texts(fields, "".join(self.body()) if with_body else "")
        return WordTexts(*map(text_words, texts))

    @property
    def has_attachments(self) -> bool:
        """Whether a mail client would show attachments."""
        return self._blob is not None and self._scanned.has_attachments

    @property
    def filenames(self) -> Iterator[str]:
        """The names of parts."""
        parts = self._scanned.parts if self._blob is not None else ()
        return (fold(part.filename) for part in parts if part.filename)

    @property
    def text_octets(self) -> int:
        """The octets that BODY examines, about."""
        return 0 if self._blob is None else sum(part.size for part in self._scanned.parts if part.media_type in _TEXTS)

    @property
    def _block(self) -> bytes:
        if self._header is None:
            self._header = self._read_header()
        return self._header

    def _read_header(self) -> bytes:
        if self._blob is None:
            return self.row.prefix or b""
        end = self._scan.header_end if self._scan else header_end(self._blob.scan)
        return (self.row.prefix or b"") + self._blob.read(0, min(end, HEADER_LIMIT))

    @property
    def _scanned(self) -> Scan:
        assert self._blob is not None
        if self._scan is None:
            self._scan = decode_scan(self._blob.scan)
        return self._scan
