"""IMAP sections (RFC 3501 §6.4.5) as byte ranges of a stored message.

A stored message is `prefix` (header lines added at delivery, each with its CRLF; may be empty) followed by the body of
the blob. Ranges refer to both together; the scan has offsets in the body of the blob only.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from shared.protocol.message.headers import field_lines, fields
from shared.protocol.message.scan import Part, Scan

PartNumber = tuple[int, ...]


class Range(NamedTuple):
    """Bytes [start, stop) of prefix + body."""

    start: int
    stop: int


_FIELD_END = re.compile(rb"\n(?![ \t])")
_HEADERS = frozenset(("HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT"))


def find_part(scan: Scan, number: PartNumber) -> int | None:
    """The index of the part of `BODY[1.2]`, or None; () is the message itself."""
    if not number:
        return 0
    label = ".".join(map(str, number))
    return next((index for index, part in enumerate(scan.parts) if part.number == label), None)


def section_range(scan: Scan, prefix_length: int, number: PartNumber, text: str = "") -> Range | None:
    """The range of a section, or None when the message has no such section (RFC 3501 §7.4.2: NIL).

    `text` is "", HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT (the range of the header from which they select), TEXT or
    MIME.
    """
    if not number:
        return _of_message(scan, prefix_length, text)
    index = find_part(scan, number)
    if index is None:
        return None
    if text in ("", "MIME"):
        return _of_part(scan.parts[index], prefix_length, text)
    # RFC 3501 §6.4.5: HEADER and TEXT with a part number exist only for message/rfc822 parts.
    inner = _inner_message(scan, index)
    return _header_or_text(inner, prefix_length, text) if inner else None


def _of_message(scan: Scan, prefix_length: int, text: str) -> Range | None:
    end = prefix_length + scan.size
    if not text:
        return Range(0, end)
    if text in _HEADERS:
        return Range(0, prefix_length + scan.header_end)
    return Range(prefix_length + scan.header_end, end) if text == "TEXT" else None


def _of_part(part: Part, prefix_length: int, text: str) -> Range:
    if not text:
        return Range(prefix_length + part.body_start, prefix_length + part.body_end)
    # The only part of a message shares the header of the message, which includes the prefix.
    start = prefix_length + part.header_start if part.parent >= 0 else 0
    return Range(start, prefix_length + part.body_start)


def _inner_message(scan: Scan, index: int) -> Part | None:
    if scan.parts[index].media_type != "message" or index + 1 >= len(scan.parts):
        return None
    inner = scan.parts[index + 1]
    return inner if inner.parent == index else None


def _header_or_text(inner: Part, prefix_length: int, text: str) -> Range | None:
    if text in _HEADERS:
        return Range(prefix_length + inner.header_start, prefix_length + inner.body_start)
    return Range(prefix_length + inner.body_start, prefix_length + inner.body_end) if text == "TEXT" else None


def header_fields(header_block: bytes, names: Collection[bytes | str], exclude: bool = False) -> bytes:
    """HEADER.FIELDS, or with `exclude` HEADER.FIELDS.NOT: the selected lines unchanged, and the blank line."""
    return with_blank_line(chosen_fields(header_block, names, exclude=exclude))


def chosen_fields(header_block: bytes, names: Collection[bytes | str], *, exclude: bool) -> bytes:
    """The selected lines. Lines that belong to no field are selected only with `exclude`."""
    lowered = _lowered(tuple(names))
    return _without(header_block, lowered) if exclude else _only(header_block, lowered)


@lru_cache(maxsize=64)
def _lowered(names: tuple[bytes | str, ...]) -> frozenset[bytes]:
    """The names in lower case; cached, because clients send the same few lists again and again."""
    return frozenset(
        name.lower() if isinstance(name, bytes) else name.lower().encode("utf-8", "replace") for name in names
    )


def with_blank_line(chosen: bytes) -> bytes:
    """The fields with the blank line at the end, which is added even if the block has none."""
    return chosen if chosen.endswith((b"\n\r\n", b"\n\n")) or chosen in (b"\r\n", b"\n") else chosen + b"\r\n"


def whole_fields(header_block: bytes, octets: int) -> Iterator[bytes]:
    """The block in pieces of about `octets`, each with whole fields."""
    at = 0
    while at < len(header_block):
        match = _FIELD_END.search(header_block, at + octets)
        end = match.end() if match else len(header_block)
        yield header_block[at:end]
        at = end


def _only(block: bytes, names: Collection[bytes]) -> bytes:
    chosen = b"".join([line for name, line in field_lines(block) if name.lower() in names])
    return chosen if chosen.endswith(b"\n") or not chosen else chosen + b"\r\n"


def _without(block: bytes, names: Collection[bytes]) -> bytes:
    kept, at = [], 0
    for field in fields(block):
        if field.name.lower() in names:
            kept.append(block[at : field.start])
            at = field.end
    kept.append(block[at:])
    return b"".join(kept)
