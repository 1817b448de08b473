"""What a listing keeps of a message, and how a page of messages keeps it: one column for each kind of value.

A column is decoded without the others, so that FETCH of ENVELOPE reads no body structures, and SEARCH FROM nothing but
the texts of From. A value above its limit is not kept; readers take the message itself then.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from shared.protocol.imap.ranges import Ranges, ranges
from shared.protocol.message.scan import SCANNER_VERSION, DisplayAddress, Scan

LISTING_VERSION = 3
"""Raised whenever a page would be other octets: other kinds, or other texts of `search_texts`."""
VERSION = LISTING_VERSION * 1000 + SCANNER_VERSION
STRUCTURE_LIMIT = 64 * 1024
"""Octets of an ENVELOPE, BODY or BODYSTRUCTURE, and of a summary, that are kept."""
TEXT_LIMIT = 16 * 1024
"""Characters of the fields of one name in a message that are kept."""
PAGE_MESSAGES = 200
PAGE_OCTETS = 512 * 1024
"""A page ends with the message that makes it as large; so a page is at most some 1.5 MB."""
_TEXT_END, _MESSAGE_END, NOT_KEPT = "\0", "\1", "\2"
_SEPARATORS = frozenset((_TEXT_END, _MESSAGE_END, NOT_KEPT))


class Kind(IntEnum):
    """A column. The numbers are stored."""

    KEYS = 0
    """UID, blob id and time of arrival."""
    ENVELOPE = 1
    BODY = 2
    BODYSTRUCTURE = 3
    SUMMARY = 4
    """What SORT and THREAD compare."""
    DAY = 5
    """The day in the Date field, as SEARCH compares it."""
    EXTENT = 6
    """Which messages the page has, for readers that trust the page by its last message."""
    FROM = 8
    TO = 9
    CC = 10
    BCC = 11
    SUBJECT = 12
    SENDER = 13
    REPLY_TO = 14
    MESSAGE_ID = 15
    IN_REPLY_TO = 16
    REFERENCES = 17
    LIST_ID = 18
    PREVIEW = 32
    """The first words, in UTF-8 (RFC 8970)."""


KINDS_ROOM = 64
"""Above the number of every kind."""
FIELDS = {kind.name.lower().replace("_", "-"): kind for kind in Kind if Kind.FROM <= kind <= Kind.LIST_ID}
"""The header fields whose folded texts are kept, by case-folded name."""
SummaryKeys = tuple[
    int | None,
    str,
    tuple[DisplayAddress, ...],
    tuple[DisplayAddress, ...],
    tuple[DisplayAddress, ...],
    str,
    tuple[str, ...],
    tuple[str, ...],
]
"""Date, subject, From, To, Cc, Message-ID, In-Reply-To, References."""


class ListedMessage(NamedTuple):
    """A message as it came into a mailbox."""

    uid: int
    blob: str
    saved: int
    """When it came, in microseconds since 1970 UTC."""


class Record(NamedTuple):
    """What is kept of one message. None: the value is too large to be kept."""

    uid: int
    blob: str
    saved: int
    """When the message came into the mailbox, in microseconds since 1970 UTC."""
    envelope: bytes | None
    body: bytes | None
    body_structure: bytes | None
    summary: bytes | None
    """Encoded keys."""
    day: int | None
    """None also when there is no date."""
    texts: tuple[str, ...]
    """In the order of FIELDS, as `joined_texts` makes them."""
    preview: bytes | None

    @property
    def octets(self) -> int:
        """About the octets of the record in a page."""
        values = (self.envelope, self.body, self.body_structure, self.summary, self.preview)
        return sum(len(value) for value in values if value) + sum(map(len, self.texts))


class PageKeys(NamedTuple):
    """The messages of a page."""

    uids: list[int]
    blobs: list[str]
    saved: list[int]


class PageExtent(NamedTuple):
    """The UIDs of a page, and what its last message is known by.

    A mailbox gives its UIDs in order, and none of them twice. When a store lost its newest changes, in a restore or
    where a standby took over, the UIDs of those are given again; then the last message of a page is another one, or
    all messages of the page are still the same.
    """

    runs: Ranges
    blob: str
    saved: int


_encoder = msgspec.msgpack.Encoder()
_keys = msgspec.msgpack.Decoder(PageKeys)
_extent = msgspec.msgpack.Decoder(PageExtent)
_structures = msgspec.msgpack.Decoder(list[bytes | None])
_days = msgspec.msgpack.Decoder(list[int | None])
_summary = msgspec.msgpack.Decoder(SummaryKeys)


def summary_keys(scan: Scan) -> SummaryKeys:
    """The keys of a scanned message."""
    return (
        scan.date,
        scan.subject,
        scan.from_,
        scan.to,
        scan.cc,
        scan.message_id,
        scan.in_reply_to,
        scan.references,
    )


def record(
    message: ListedMessage, scan: Scan, day: int | None, texts: Sequence[Sequence[str]], preview: str | None
) -> Record:
    """The record of a message; `texts` are the folded texts of each field of FIELDS."""
    return Record(
        *message,
        _bounded(scan.envelope),
        _bounded(scan.body),
        _bounded(scan.bodystructure),
        _bounded(_encoder.encode(summary_keys(scan))),
        day,
        tuple(map(joined_texts, texts)),
        None if preview is None else preview.encode("utf-8", "replace"),
    )


def _bounded(value: bytes) -> bytes | None:
    return value if len(value) <= STRUCTURE_LIMIT else None


def joined_texts(texts: Sequence[str]) -> str:
    """The texts of a field's occurrences, each with an end; empty when the message has no such field."""
    if sum(map(len, texts)) > TEXT_LIMIT or any(not _SEPARATORS.isdisjoint(text) for text in texts):
        return NOT_KEPT
    return "".join([text + _TEXT_END for text in texts])


def encode_page(records: Sequence[Record]) -> dict[Kind, bytes]:
    """The columns of a page."""
    encode = _encoder.encode
    columns = {
        Kind.KEYS: encode(
            PageKeys(
                [record.uid for record in records],
                [record.blob for record in records],
                [record.saved for record in records],
            )
        ),
        Kind.EXTENT: encode(_extent_of(records)),
        Kind.ENVELOPE: encode([record.envelope for record in records]),
        Kind.BODY: encode([record.body for record in records]),
        Kind.BODYSTRUCTURE: encode([record.body_structure for record in records]),
        Kind.SUMMARY: encode([record.summary for record in records]),
        Kind.DAY: encode([record.day for record in records]),
        Kind.PREVIEW: encode([record.preview for record in records]),
    }
    for number, kind in enumerate(FIELDS.values()):
        texts = _MESSAGE_END.join([record.texts[number] for record in records])
        columns[kind] = texts.encode("utf-8", "surrogatepass")
    return columns


def _extent_of(records: Sequence[Record]) -> PageExtent:
    if not records:
        return PageExtent((), "", 0)
    return PageExtent(ranges(record.uid for record in records), records[-1].blob, records[-1].saved)


def decode_page(columns: dict[Kind, bytes]) -> list[Record]:
    """The records of a page. Raises msgspec.DecodeError, ValueError."""
    keys = decode_keys(columns[Kind.KEYS])
    texts = zip(*(split_texts(decode_texts(columns[kind])) for kind in FIELDS.values()), strict=True)
    structures = (
        decode_structures(columns[kind]) for kind in (Kind.ENVELOPE, Kind.BODY, Kind.BODYSTRUCTURE, Kind.SUMMARY)
    )
    previews = decode_structures(columns[Kind.PREVIEW])
    values = zip(*keys, *structures, decode_days(columns[Kind.DAY]), texts, previews, strict=True)
    return [Record(*value) for value in values]


def decode_keys(column: bytes) -> PageKeys:
    """The messages of a page. Raises msgspec.DecodeError."""
    return _keys.decode(column)


def decode_extent(column: bytes) -> PageExtent:
    """Which messages a page has. Raises msgspec.DecodeError."""
    return _extent.decode(column)


def decode_structures(column: bytes) -> list[bytes | None]:
    """A column of wire forms, of encoded summaries or of previews. Raises msgspec.DecodeError."""
    return _structures.decode(column)


def decode_days(column: bytes) -> list[int | None]:
    """A column of days. Raises msgspec.DecodeError."""
    return _days.decode(column)


def decode_summary(value: bytes) -> SummaryKeys:
    """The keys of a message. Raises msgspec.DecodeError."""
    keys: SummaryKeys = _summary.decode(value)
    return keys


def decode_texts(column: bytes) -> str:
    """The texts of all messages of a page. Raises ValueError."""
    return column.decode("utf-8", "surrogatepass")


def split_texts(texts: str) -> list[str]:
    """The texts of each message of a page."""
    return texts.split(_MESSAGE_END)


def is_searchable(needle: str) -> bool:
    """Whether texts that are joined can be searched for this text."""
    return _SEPARATORS.isdisjoint(needle)
