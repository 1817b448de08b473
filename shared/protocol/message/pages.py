"""The decoded text of a part in pages, so that a part of any size costs a bounded step at a time.

A page is what some 64 KiB of the body come to. Text is cut between characters; HTML is cut in front of a tag, so that a
tag is whole, or of what may be an entity. A comment, script or style sheet that is longer than a page is text from the
next page on: what is looked for may be found there too often, and never too rarely."""

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
    """The charset that an HTML page names in its own first octets, or ""."""
    match = _META_CHARSET.search(data, 0, 2048)
    return match[1].decode("ascii") if match else ""


def text_pages(pieces: Iterable[bytes], charset: str) -> Iterator[str]:
    """The text of decoded pieces. Without a known charset each page is UTF-8 where it is valid, else windows-1252."""
    codec = codec_of(charset) if charset else None
    if codec is None or codec == "cp1252":
        yield from _guessed(pieces)
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for piece in pieces:
        yield _scalar(decoder.decode(piece))
    yield _scalar(decoder.decode(b"", True))


def _guessed(pieces: Iterable[bytes]) -> Iterator[str]:
    held = b""
    for piece in pieces:
        data = held + piece
        match = _UNFINISHED.search(data, max(0, len(data) - 3))
        held = match[0] if match else b""
        yield decode(data[: len(data) - len(held)])
    yield decode(held)


def _scalar(text: str) -> str:
    """Without lone surrogates, which UTF-7 can make and nothing that follows can carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def html_pages(texts: Iterable[str]) -> Iterator[str]:
    """What a person reads of an HTML source, then what it points to and says beside that: links, alternatives,
    titles."""
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
