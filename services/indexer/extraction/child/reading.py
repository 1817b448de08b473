"""Reads the text of a file, and of what is nested in it, within the limits of the request.

HTML, text and mail are read with the decoder that reading a message uses, so the same words are found; it expands no
entities but those of HTML and follows no reference. Word documents and ODF texts are read by `office_xml`, everything
else by kreuzberg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from services.indexer.extraction.child.documents import document_text
from services.indexer.extraction.child.office_xml import odf_text, word_text
from services.indexer.extraction.child.packages import archive_type, compound_type
from services.indexer.extraction.child.refusal import Refused
from services.indexer.extraction.kinds import HEAD, FileKind, kind_of
from services.indexer.extraction.message import attached_parts, part_octets
from services.indexer.extraction.port import ExtractionStatus
from services.indexer.extraction.wire import Request
from shared.protocol.message.pages import html_charset, html_pages, text_pages
from shared.protocol.message.scan import Scan, Scanner
from shared.protocol.message.search_texts import body_texts, header_texts
from shared.protocol.message.transfer import pieces

_ODF = "application/vnd.oasis.opendocument."
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class _Held:
    """A mail that is in memory."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def iterate(self, start: int, end: int) -> Iterator[bytes]:
        """The octets [start, end) in pieces."""
        return pieces(memoryview(self._octets)[start:end])


class FileReading:
    """The reading of a file. `given` is the number of characters that were given away, `parts` that of nested files."""

    def __init__(self, request: Request, give: Callable[[str], None]) -> None:
        self._give = give
        self._left = request.characters
        self._parts_left = request.parts
        self._depth_left = request.depth
        self.given = 0
        self.parts = 0
        self.detail = ""

    def read(self, kind: str, charset: str, octets: bytes) -> None:
        """Give the text away. Raises Refused, and whatever a parser raises."""
        match FileKind(kind):
            case FileKind.TEXT:
                self._give_all(text_pages(pieces(octets), charset))
            case FileKind.HTML:
                self._give_all(html_pages(text_pages(pieces(octets), charset or html_charset(octets))))
            case FileKind.MAIL:
                self._read_mail(octets)
            case FileKind.ZIP:
                self._read_document(archive_type(octets), octets)
            case FileKind.OLE:
                self._read_document(compound_type(octets), octets)
            case FileKind.PDF | FileKind.RTF as known:
                self._read_document(f"application/{known}", octets)

    def _read_document(self, media_type: str, octets: bytes) -> None:
        if media_type == _WORD:
            self._give_all(word_text(octets))
        elif media_type.startswith(_ODF) and media_type != _ODF + "spreadsheet":
            self._give_all(odf_text(octets))
        else:
            self._give_all(document_text(octets, media_type))

    def _read_mail(self, octets: bytes) -> None:
        """The header, the texts and the attachments of a mail that is attached as a file."""
        if self._depth_left <= 0:
            raise Refused(ExtractionStatus.LIMIT, "mails are nested too deeply")
        scanner = Scanner()
        for piece in pieces(octets):
            scanner.feed(piece)
        scan = scanner.finish()
        held = _Held(octets)
        self._give_all(text + "\n" for text in header_texts(octets[: scan.header_end]))
        self._give_all(body_texts(held, scan))
        self._depth_left -= 1
        self._read_attachments(held, scan)
        self._depth_left += 1

    def _read_attachments(self, held: _Held, scan: Scan) -> None:
        for part in attached_parts(scan):
            if self._parts_left <= 0:
                raise Refused(ExtractionStatus.LIMIT, "there are too many attachments")
            self._parts_left -= 1
            self.parts += 1
            content = b"".join(part_octets(held, part))
            kind = kind_of(part.content_type, part.filename, content[:HEAD])
            if kind is not None:
                self._read_nested(kind, part.charset, content)

    def _read_nested(self, kind: FileKind, charset: str, octets: bytes) -> None:
        """Read a nested file; what is wrong with it does not end the reading of the others."""
        self._give_all(("\n",))
        try:
            self.read(kind, charset, octets)
        except Refused as refusal:
            if refusal.status is ExtractionStatus.LIMIT:
                raise
            self.detail = f"an attachment of it: {refusal.detail}"
        except (MemoryError, RecursionError):
            raise
        except Exception as error:  # A parser may raise anything.
            self.detail = f"an attachment of it: {type(error).__name__}: {error}"

    def _give_all(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._give(text[: self._left])
            self.given += len(text[: self._left].strip())
            self._left -= min(len(text), self._left)
            if not self._left:
                raise Refused(ExtractionStatus.LIMIT, "there is more text than is kept")
