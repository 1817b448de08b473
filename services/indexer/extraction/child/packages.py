"""Which document an archive or a compound file is."""

from __future__ import annotations

import io
import zipfile
import zlib

from services.indexer.extraction.child.compound import root_names
from services.indexer.extraction.child.refusal import Refused
from services.indexer.extraction.port import ExtractionStatus

_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OPEN_XML_PARTS = (
    ("word/document", _OPEN_XML + "wordprocessingml.document"),
    ("xl/workbook", _OPEN_XML + "spreadsheetml.sheet"),
    ("ppt/presentation", _OPEN_XML + "presentationml.presentation"),
)
_STREAMS = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("Book", "application/vnd.ms-excel"),
)
_ODF = "application/vnd.oasis.opendocument."
_MANIFEST = "META-INF/manifest.xml"
_LONGEST_MANIFEST = 1 << 20
ENCRYPTED_FLAG = 1


def archive_type(octets: bytes) -> str:
    """The media type of the document that this ZIP archive is. Raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            names = archive.namelist()
            declared = beginning(archive, "mimetype", 100).decode("ascii", "replace").strip()
            if declared.startswith(_ODF):
                _refuse_encrypted(archive)
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, ValueError, OSError) as error:
        raise Refused(ExtractionStatus.FAILED, f"a damaged archive: {error}") from None
    if declared.startswith((_ODF, "application/epub+zip")):
        return declared.removesuffix("-template")
    for name, media_type in _OPEN_XML_PARTS:
        if any(entry.startswith(name) for entry in names):
            return media_type
    raise Refused(ExtractionStatus.UNSUPPORTED, "an archive that is no document")


def beginning(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """At most `limit` octets of an entry, whatever size it declares; nothing when there is none."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        return b""
    if entry.flag_bits & ENCRYPTED_FLAG:
        raise Refused(ExtractionStatus.ENCRYPTED, "an archive with a password")
    with archive.open(entry) as content:
        return content.read(limit)


def compound_type(octets: bytes) -> str:
    """The media type of the document that this compound file is. Raises Refused."""
    names = root_names(octets)
    if "EncryptedPackage" in names:
        raise Refused(ExtractionStatus.ENCRYPTED, "an Office document with a password")
    for name, media_type in _STREAMS:
        if name in names:
            return media_type
    raise Refused(ExtractionStatus.UNSUPPORTED, "a compound file that is no document")


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    """ODF 1.3 part 2 §4.8.9: an encrypted file has this element in the manifest."""
    if b"encryption-data" in beginning(archive, _MANIFEST, _LONGEST_MANIFEST):
        raise Refused(ExtractionStatus.ENCRYPTED, "an ODF document with a password")
