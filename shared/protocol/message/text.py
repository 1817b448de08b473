"""The text of a message that a person reads, for search, classifier and previews; limited for any message."""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from shared.protocol.message.charset import decode
from shared.protocol.message.headers import raw_fields, unfold
from shared.protocol.message.markup import html_text
from shared.protocol.message.pages import html_charset
from shared.protocol.message.scan import Part, Scan
from shared.protocol.message.transfer import decode_pieces, pieces
from shared.protocol.message.urls import distinct, find_urls
from shared.protocol.message.words import decode_words

DEFAULT_LIMIT = 1 << 20
PREVIEW_LENGTH = 200

_PREVIEWED_PARTS = 10
_PREVIEWED_OCTETS = 48 * 1024
_PREVIEWED_TEXT = 16 * 1024
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def part_bytes(body: bytes, part: Part, limit: int = DEFAULT_LIMIT) -> bytes:
    """The decoded content of a part (RFC 2045 §6), at most `limit` bytes."""
    taken: list[bytes] = []
    left = limit
    for piece in decode_pieces(pieces(memoryview(body)[part.body_start : part.body_end]), part.encoding):
        taken.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return b"".join(taken)


def part_text(body: bytes, part: Part, limit: int = DEFAULT_LIMIT) -> str:
    """The content of a text part as it is written; HTML is not converted."""
    return _decoded(part_bytes(body, part, limit), part)


def _decoded(data: bytes, part: Part) -> str:
    charset = part.charset
    if part.subtype == "html" and charset in ("", "us-ascii"):
        charset = html_charset(data) or charset
    return decode(data, charset)


def text_parts(body: bytes, scan: Scan, limit: int = DEFAULT_LIMIT) -> Iterator[tuple[Part, str]]:
    """Each text/* part with its text as it is written, including those of nested messages; `limit` decoded bytes in
    all."""
    for part in scan.parts:
        if part.media_type != "text" or limit <= 0:
            continue
        data = part_bytes(body, part, limit)
        limit -= len(data)
        yield part, _decoded(data, part)


def readable_parts(
    body: bytes, scan: Scan, limit: int = DEFAULT_LIMIT, links: bool = True
) -> Iterator[tuple[Part, str]]:
    """Each text/* part with the text that a person reads.

    HTML is converted to text, with its links in angle brackets if `links`.
    """
    for part, text in text_parts(body, scan, limit):
        yield part, html_text(text, links) if part.subtype == "html" else text


def urls(body: bytes, scan: Scan, limit: int = DEFAULT_LIMIT) -> list[str]:
    """The distinct URLs that the text parts refer to or show, at most 1000."""
    urls = (url for part, text in text_parts(body, scan, limit) for url in find_urls(text, part.subtype == "html"))
    return distinct(urls)


def header_lines(header_block: bytes) -> Iterator[tuple[str, str]]:
    """(name, decoded unfolded value) of each field, for SEARCH HEADER."""
    for name, value in raw_fields(header_block):
        yield decode(name), decode_words(unfold(value))


def header_text(header_block: bytes) -> str:
    """The decoded header, one field on each line, for SEARCH TEXT."""
    return "\n".join(f"{name}: {value}" for name, value in header_lines(header_block))


def preview(body: bytes, scan: Scan, length: int = PREVIEW_LENGTH) -> str:
    """The first words of the message (RFC 8970): of its first non-empty text that is no attachment."""
    return preview_of(scan, lambda start, end: body[start:end], length)


def preview_of(scan: Scan, read: Callable[[int, int], bytes], length: int = PREVIEW_LENGTH) -> str:
    """The same of a message that is not in memory; `read` returns octets of its body.

    Few octets of few parts are read, whatever the message.
    """
    texts = (part for part in scan.parts if part.media_type == "text" and part.disposition != "attachment")
    for part in islice(texts, _PREVIEWED_PARTS):
        data = read(part.body_start, min(part.body_end, part.body_start + _PREVIEWED_OCTETS))
        decoded = b"".join(decode_pieces(pieces(memoryview(data)), part.encoding))[:_PREVIEWED_TEXT]
        text = _decoded(decoded, part)
        words = html_text(text, links=False) if part.subtype == "html" else text
        if shown := _SPACE.sub(" ", words[: 8 * length]).strip():
            return shown[:length]
    return ""
