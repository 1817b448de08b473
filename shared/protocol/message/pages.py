"""The decoded text of a part in pages, so that a part of any size is processed in bounded steps.

A page comes from some 64 KiB of the body. Text is divided between characters. HTML is divided before a tag or a
possible entity, so that these stay whole. A comment, script or style sheet that is longer than a page counts as text
from the next page on, so a search may find too much but never too little.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

from shared.protocol.message.charset import codec_of, decode
from shared.protocol.message.markup import visible_text

PAGE = 65536
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.I)
_LONGEST_ENTITY = 34
# The beginning of a UTF-8 sequence that the next page may complete.
_UNFINISHED = re.compile(rb"[\xc0-\xf7][\x80-\xbf]{0,2}\Z")


def html_charset(data: bytes) -> str:
    """The charset that an HTML page names in its first octets, or ""."""
    match = _META_CHARSET.search(data, 0, 2048)
    return match[1].decode("ascii") if match else ""


def text_pages(pieces: Iterable[bytes], charset: str) -> Iterator[str]:
    """The text of decoded pieces.

    Without a known charset each page is read as UTF-8 if it is valid, else as windows-1252.
    """
    codec = codec_of(charset) if charset else None
    if codec is None or codec == "cp1252":
        yield from _decode_by_guess(pieces)
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for piece in pieces:
        yield _scalar(decoder.decode(piece))
    yield _scalar(decoder.decode(b"", True))


def _decode_by_guess(pieces: Iterable[bytes]) -> Iterator[str]:
    held = b""
    for piece in pieces:
        data = held + piece
        match = _UNFINISHED.search(data, max(0, len(data) - 3))
        held = match[0] if match else b""
        yield decode(data[: len(data) - len(held)])
    yield decode(held)


def _scalar(text: str) -> str:
    """The text without lone surrogates, which UTF-7 can produce and later steps cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def html_pages(texts: Iterable[str]) -> Iterator[str]:
    """The visible text of an HTML source, then its references and hidden texts: links, alternatives, titles."""
    hidden: dict[str, None] = {}
    after_space = True
    for source in _whole_tags(texts):
        shown = visible_text(source, hidden)
        yield shown.lstrip() if after_space else shown
        after_space = shown[-1:].isspace() or (after_space and not shown)
    for text in hidden:
        yield "\n" + text


def _whole_tags(texts: Iterable[str]) -> Iterator[str]:
    rest = ""
    for text in texts:
        rest += text
        cut = max(rest.rfind("<"), rest.rfind("&", max(0, len(rest) - _LONGEST_ENTITY)))
        if cut < 0 or len(rest) - cut > PAGE:
            cut = len(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest
