"""The texts that each SEARCH key examines (RFC 3501 §6.4.4), for reading a message and for building an index.

key                 looks at
------------------  ----------------------------------------------------------------------------------------------------
HEADER name text    each field of that name in the message's own header: its value on one line, encoded words decoded
SUBJECT             as HEADER Subject
FROM TO CC BCC      as HEADER; and each address of the field as ENVELOPE shows it, `name <local@host>`, the name of a
                    group too. So comments, quoting and white space within an address hide nothing. HEADER does the
                    same for these fields and for Sender and Reply-To
BODY                the text of each text part: charset and transfer encoding undone; of HTML what a person reads, then
                    what its tags point to (href, src, …) and say (alt, title, …), and every address in its source.
                    The header and the text of each attached message. Each other part of the type message, decoded:
                    message/delivery-status, message/disposition-notification, message/external-body, …
TEXT                every line of the message's own header, lines that are no field too; the header of each part, with
                    the file name and the description of an attachment; and all that BODY looks at

The header is what was received with the lines that delivery put on top of it. Matching ignores case (`folding.fold`)
and is by substring in one text; it does not reach across two header lines or two parts. At most HEADER_LIMIT octets of
header lines and TEXT_LIMIT octets of decoded text of a message are looked at. Images and other binary parts are not.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Protocol

from shared.protocol.message.addresses import display_pairs, group_names, parse_addresses
from shared.protocol.message.charset import decode
from shared.protocol.message.folding import fold
from shared.protocol.message.headers import header_values, raw_fields, unfold
from shared.protocol.message.markup import visible_text
from shared.protocol.message.needles import Needles, is_plain, is_unusual
from shared.protocol.message.pages import PAGE, html_charset, html_pages, text_pages
from shared.protocol.message.scan import Part, Scan
from shared.protocol.message.transfer import decode_pieces, decode_transfer
from shared.protocol.message.words import decode_words

TEXTS_VERSION = 1
"""Changes with the texts that are made of a message; texts that an index keeps of another version are made again."""
HEADER_LIMIT = 1 << 19
"""Octets of header lines that are examined in a message: as many as the scanner reads."""
TEXT_LIMIT = 8 * 1024 * 1024
"""Octets of decoded text that are examined in a message."""
ADDRESS_FIELDS = frozenset(("from", "sender", "reply-to", "to", "cc", "bcc"))

_PLAIN_NAME = re.compile(r"[!-9;-~]+")
_FOLD = re.compile(rb"\r*\n[ \t]")
_CONTROLS_AS_SPACES = bytes(32 if (octet < 32 and octet != 10) or octet == 127 else octet for octet in range(256))
# A field that is not written as `name: value` with one space. A pattern finds the line end in front quickly.
_SPACED = re.compile(rb"\n([^\x00-\x20:\x7f]++)(?:[ \t]++:|:(?! ))([^\n]*+)")
_ADDRESSES = re.compile(rb"\n(from|sender|reply-to|to|cc|bcc)[ \t]*+:([^\n]*+)", re.I)


class StoredOctets(Protocol):
    """The octets of a stored message."""

    def iterate(self, start: int, end: int) -> Iterator[bytes]:
        """The octets [start, end), in pieces of at most some 64 KiB."""


def field_texts(header: bytes, name: str, needles: Needles | None = None) -> Iterator[str]:
    """The texts for HEADER, FROM, TO, CC, BCC and SUBJECT; `name` is case-folded.

    With needles, texts that contain none of them may be left out.
    """
    block = header[:HEADER_LIMIT]
    if needles is not None and not needles.may_occur(block, in_addresses=name in ADDRESS_FIELDS):
        return
    values = [_FOLD.sub(b" ", value).strip() for value in _values(block, name)]
    yield from map(decode_words, values)
    if name in ADDRESS_FIELDS:
        yield from _address_texts(values)


def all_field_texts(header: bytes) -> Iterator[tuple[str, str]]:
    """(case-folded name, text) for all fields of a header: the texts that `field_texts` gives for each name."""
    block = header[:HEADER_LIMIT]
    is_plain_block = block.isascii()
    addresses: dict[str, list[bytes]] = {}
    for field, raw in raw_fields(block):
        name = (field.decode("ascii") if is_plain_block else decode(field)).casefold()
        value = _FOLD.sub(b" ", unfold(raw) if is_plain_block else raw).strip()
        yield name, decode_words(value)
        if name in ADDRESS_FIELDS:
            addresses.setdefault(name, []).append(value)
    for name, values in addresses.items():
        for text in _address_texts(values):
            yield name, text


def header_texts(header: bytes, needles: Needles | None = None) -> Iterator[str]:
    """The texts of a header for TEXT: every line, with folded lines joined.

    With needles, texts that contain none of them may be left out.
    """
    if needles is not None and not needles.may_occur(header[:HEADER_LIMIT]):
        return
    block = _unfolded(header[:HEADER_LIMIT])
    if is_plain(block):
        yield block.translate(_CONTROLS_AS_SPACES).decode("ascii")
    else:
        yield from map(decode_words, block.split(b"\n"))
    lines = b"\n" + block
    for name, value in _SPACED.findall(lines):
        yield f"{decode(name)}: {decode_words(value.strip())}"
    addresses: dict[bytes, list[bytes]] = {}
    for name, value in _ADDRESSES.findall(lines):
        addresses.setdefault(name.lower(), []).append(value)
    for values in addresses.values():
        yield from _address_texts(values)


def part_header_texts(body: StoredOctets, scan: Scan, needles: Needles | None = None) -> Iterator[str]:
    """The further texts for TEXT: the headers of the message's parts."""
    left = HEADER_LIMIT
    yield from _attachment_texts(scan.root)
    for part in scan.parts[1:]:
        if left > 0 and not _begins_message(part, scan):
            left -= part.body_start - part.header_start
            yield from header_texts(_header(body, part), needles)
            yield from _attachment_texts(part)


def body_texts(body: StoredOctets, scan: Scan, needles: Needles | None = None) -> Iterator[str]:
    """The text for BODY, page by page; the pages of a part must be concatenated unchanged."""
    left = TEXT_LIMIT
    for index, part in enumerate(scan.parts):
        if left <= 0:
            return
        if _begins_message(part, scan):
            left -= min(part.body_start - part.header_start, HEADER_LIMIT)
            yield from (text + "\n" for text in header_texts(_header(body, part), needles))
            yield from (text + "\n" for text in _attachment_texts(part))
        if _is_text(index, part, scan):
            octets = body.iterate(part.body_start, part.body_end)
            if part.size <= min(PAGE, left):
                data = decode_transfer(b"".join(octets), part.encoding)
                left -= len(data)
                yield _small_text(part, data)
            else:
                pieces = _Limited(decode_pieces(octets, part.encoding), left)
                yield from _part_pages(part, pieces)
                yield "\n"
                left = pieces.left


def _unfolded(header: bytes) -> bytes:
    """The header without folds. A pattern takes three times as long when all lines end correctly."""
    if header.count(b"\n") == header.count(b"\r\n") and b"\r\r\n" not in header:
        return header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return _FOLD.sub(b" ", header)


def _values(header: bytes, name: str) -> list[bytes]:
    """The values of the fields with this name, folded or not.

    Only fields with the name are decoded, because decoding would be half the work of a search.
    """
    if header.isascii():
        return header_values(header, name) if _PLAIN_NAME.fullmatch(name) else []
    # A name with other letters may equal one of plain letters after case-folding (U+017F becomes s).
    return [value for field, value in raw_fields(header) if fold(decode(field)) == name]


def _address_texts(values: list[bytes]) -> Iterator[str]:
    """The addresses in the form of ENVELOPE, where that differs from how they are written."""
    if any(map(is_unusual, values)):
        addresses = parse_addresses(b", ".join(map(unfold, values)))
        yield from map(decode_words, group_names(addresses))
        for display, address in display_pairs(addresses):
            yield f"{display} <{address}>" if display else address
    else:
        yield from (decode_words(value.replace(b'"', b"")) for value in values if b'"' in value)


def _attachment_texts(part: Part) -> Iterator[str]:
    """Parameters and description as they are shown; a file name may be split, encoded, or both (RFC 2231)."""
    parameters = (*part.parameters, *part.disposition_parameters)
    return filter(None, (*(value for _, value in parameters), part.description))


def _header(body: StoredOctets, part: Part) -> bytes:
    return b"".join(body.iterate(part.header_start, min(part.body_start, part.header_start + HEADER_LIMIT)))


def _begins_message(part: Part, scan: Scan) -> bool:
    return part.parent >= 0 and scan.parts[part.parent].media_type == "message"


def _is_text(index: int, part: Part, scan: Scan) -> bool:
    """Whether the part is text, or an undivided part of the type message, whose fields or contents are text."""
    if part.media_type == "message":
        return index + 1 == len(scan.parts) or scan.parts[index + 1].parent != index
    return part.media_type == "text"


class _Limited:
    """Pieces up to a total number of octets; `left` is the unused rest."""

    def __init__(self, pieces: Iterator[bytes], left: int) -> None:
        self._pieces = pieces
        self.left = left

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield piece[: self.left]
            self.left -= min(len(piece), self.left)
            if not self.left:
                return


def _small_text(part: Part, data: bytes) -> str:
    """The text of a part that fits into one page, as most do. Decoding never increases the number of octets."""
    if part.subtype != "html":
        return decode(data, part.charset) + "\n"
    charset = part.charset
    if charset in ("", "us-ascii"):
        charset = html_charset(data) or charset
    hidden: dict[str, None] = {}
    shown = visible_text(decode(data, charset), hidden).lstrip()
    return "\n".join((shown, *hidden, ""))


def _part_pages(part: Part, pieces: _Limited) -> Iterator[str]:
    if part.subtype != "html":
        return text_pages(pieces, part.charset)
    source = iter(pieces)
    first = next(source, b"")
    charset = part.charset
    if charset in ("", "us-ascii"):
        charset = html_charset(first) or charset
    return html_pages(text_pages(chain((first,), source), charset))
