"""Which format an attachment has: by its first octets, and where these do not decide by its type and name.

A declared type is only believed for text, because mail programs send documents as application/octet-stream and worse.
"""

from __future__ import annotations

from enum import StrEnum

HEAD = 1024
"""Octets from which a format is recognised."""


class FileKind(StrEnum):
    """A format, as the reading process is asked for it."""

    PDF = "pdf"
    ZIP = "zip"
    """Office Open XML, ODF, EPUB, or any other archive."""
    OLE = "ole"
    """Word, Excel and PowerPoint until 2003, and messages of Outlook."""
    RTF = "rtf"
    HTML = "html"
    TEXT = "text"
    MAIL = "mail"


CUT = frozenset((FileKind.HTML, FileKind.TEXT, FileKind.MAIL))
"""Formats of which a beginning can be read."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NAMES = {
    **dict.fromkeys(("html", "htm", "xhtml", "xml", "fodt", "fods", "fodp"), FileKind.HTML),
    **dict.fromkeys(("txt", "text", "csv", "tsv", "md", "log", "json", "yaml", "yml", "ini", "tex"), FileKind.TEXT),
    **dict.fromkeys(("ics", "vcf", "ldif", "diff", "patch", "sql", "asc", "srt"), FileKind.TEXT),
    **dict.fromkeys(("eml", "mht", "mhtml"), FileKind.MAIL),
}
_TEXT_TYPES = frozenset(
    (
        "application/json",
        "application/csv",
        "application/x-yaml",
        "application/yaml",
        "application/ics",
        "application/x-tex",
        "application/x-csv",
        "application/sql",
    )
)
_OUTER = frozenset(("image", "audio", "video", "font", "model", "multipart", "message", "text"))
_SIGNATURES = frozenset(
    ("pgp-signature", "pgp-encrypted", "pgp-keys", "pkcs7-signature", "x-pkcs7-signature", "pkcs7-mime")
)


def is_examined(media_type: str, subtype: str) -> bool:
    """Whether parts of this type are attachments whose text is extracted.

    Texts and messages are not, because reading a message finds their text already (`search_texts`).
    """
    return media_type not in _OUTER and not (media_type == "application" and subtype in _SIGNATURES)


def kind_of(media_type: str, name: str, head: bytes) -> FileKind | None:
    """The format of an attachment that begins with these octets; None for one that is not read."""
    return _by_octets(head) or _by_name(media_type, name.rpartition(".")[2].lower(), head)


def _by_octets(head: bytes) -> FileKind | None:
    # Other octets may precede the beginning of a PDF (ISO 32000-1, implementation note 13 of annex H).
    if b"%PDF-" in head[:HEAD]:
        return FileKind.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    if head.startswith(_OLE):
        return FileKind.OLE
    return FileKind.RTF if head.lstrip()[:5] == b"{\\rtf" else None


def _by_name(media_type: str, ending: str, head: bytes) -> FileKind | None:
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")) or media_type.endswith(("xml", "+xml")):
        return FileKind.HTML
    if media_type in _TEXT_TYPES or media_type.endswith("+json"):
        return FileKind.TEXT
    return _NAMES.get(ending)
