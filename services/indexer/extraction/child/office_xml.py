"""Reads Word documents (Office Open XML) and ODF texts out of their XML, with a linear tokenizer: no tree.

kreuzberg 4 loses `&amp;` and all other references in Word documents ("AT&T" becomes "ATT"), headers and comments, and
dies of deep ODF. The files are unpacked piece by piece, whatever sizes they declare. References to characters are
resolved; entities that a document declares are not.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from services.indexer.extraction.child.packages import ENCRYPTED_FLAG
from services.indexer.extraction.child.refusal import Refused
from services.indexer.extraction.port import ExtractionStatus

_MOST_OCTETS = 256 << 20
"""Octets of XML of a document that are looked at."""
_PIECE = 256 * 1024
_LONGEST_TAG = 1 << 20
_LONGEST_REFERENCE = 34
_MOST_PARTS = 1000
# A name, and what follows it up to the end of the tag. No step goes back over what it has consumed.
_TOKEN = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|<(/?)([\w.:-]++)([^<>]*+)>|[^<]++|<", re.S)
_WORD_PARTS = re.compile(r"word/(document|header|footer|footnotes|endnotes|comments)\d*\.xml")
_ODF_PARTS = ("content.xml", "styles.xml")


class _Form(NamedTuple):
    """Which elements hold text, after which a line ends, and which stand for white space."""

    holders: frozenset[str]
    lines: frozenset[str]
    spaces: frozenset[str]


_WORD = _Form(frozenset(("t",)), frozenset(("p", "br", "cr")), frozenset(("tab", "ptab")))
_ODF = _Form(frozenset(("p", "h")), frozenset(("p", "h", "line-break")), frozenset(("tab", "s")))


def word_text(octets: bytes) -> Iterator[str]:
    """The text of a Word document, then that of its headers, footers, notes and comments."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        names = dict.fromkeys(name for name in archive.namelist() if _WORD_PARTS.fullmatch(name))
        yield from _texts(archive, sorted(names, key=lambda name: (not name.startswith("word/document"), name)), _WORD)


def odf_text(octets: bytes) -> Iterator[str]:
    """The text of an ODF document, then that of its page headers and footers."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        present = set(archive.namelist())
        yield from _texts(archive, [name for name in _ODF_PARTS if name in present], _ODF)


def _texts(archive: zipfile.ZipFile, names: list[str], form: _Form) -> Iterator[str]:
    left = _MOST_OCTETS
    for name in names[:_MOST_PARTS]:
        text = _XmlText(form)
        if archive.getinfo(name).flag_bits & ENCRYPTED_FLAG:
            raise Refused(ExtractionStatus.ENCRYPTED, "an archive with a password")
        with archive.open(name) as entry:
            while piece := entry.read(_PIECE):
                left -= len(piece)
                yield text.feed(piece)
                if left <= 0:
                    raise Refused(ExtractionStatus.LIMIT, "the document is larger than is looked at")
        yield text.finish() + "\n"


def _whole(source: str) -> int:
    """The length of the source without a tag, a comment or a reference that the next piece may complete."""
    cut = source.rfind("&", max(0, len(source) - _LONGEST_REFERENCE))
    for start, end in (("<", ">"), ("<!--", "-->")):
        place = source.rfind(start)
        if place >= 0 and source.find(end, place) < 0:
            cut = place if cut < 0 else min(cut, place)
    return len(source) if cut < 0 or len(source) - cut > _LONGEST_TAG else cut


class _XmlText:
    """The text of an XML file that comes in pieces."""

    def __init__(self, form: _Form) -> None:
        self._form = form
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = ""
        self._depth = 0

    def feed(self, piece: bytes) -> str:
        """The text that this piece completes."""
        if self._decoder is None:
            wide = piece.startswith((b"\xff\xfe", b"\xfe\xff"))
            self._decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")("replace")
        source = self._rest + self._decoder.decode(piece)
        cut = _whole(source)
        self._rest = source[cut:]
        return "".join(self._pieces(source[:cut]))

    def finish(self) -> str:
        """The text of what is left."""
        return "".join(self._pieces(self._rest))

    def _pieces(self, source: str) -> Iterator[str]:
        holders, lines, spaces = self._form
        for token in _TOKEN.finditer(source):
            if token[2] is None:
                if self._depth > 0 and not token[0].startswith("<"):
                    yield unescape(token[0])
                continue
            name, is_empty = token[2].rpartition(":")[2], token[3].endswith("/")
            if name in holders and not is_empty:
                self._depth = max(0, self._depth + (-1 if token[1] else 1))
            if name in lines and (token[1] or is_empty):
                yield "\n"
            elif name in spaces and not token[1]:
                yield " "
