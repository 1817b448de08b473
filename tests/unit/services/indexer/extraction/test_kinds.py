"""Which attachments are examined, and how their format is recognised."""

from __future__ import annotations

import pytest

from services.indexer.extraction.kinds import FileKind, is_examined, kind_of
from services.indexer.extraction.message import attachments_of
from shared.blobs.memory import MemoryBlobs
from shared.protocol.message.scan import Scanner
from shared.protocol.message.search_texts import body_texts
from shared.scans import scan_of, store_message
from tests.harness.documents import docx_of, odt_of, pdf_of, rtf_of

OCTETS = "application/octet-stream"


@pytest.mark.parametrize(
    ("media_type", "name", "head", "kind"),
    [
        (OCTETS, "", pdf_of(b"x"), FileKind.PDF),
        ("application/msword", "a.doc", b"\r\n\r\n" + pdf_of(b"x"), FileKind.PDF),
        ("application/pdf", "a.pdf", docx_of("x"), FileKind.ZIP),
        (OCTETS, "a", odt_of("x"), FileKind.ZIP),
        (OCTETS, "a", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind.OLE),
        ("application/msword", "a.doc", rtf_of(b"x"), FileKind.RTF),
        (OCTETS, "a.HTML", b"<p>x", FileKind.HTML),
        (OCTETS, "", b"\xef\xbb\xbf <!DOCTYPE html>", FileKind.HTML),
        ("application/xhtml+xml", "", b"<p>", FileKind.HTML),
        ("application/vnd.ms-excel", "a.csv", b"a;b", FileKind.TEXT),
        ("application/json", "", b"{}", FileKind.TEXT),
        (OCTETS, "a.txt", b"\xff\xfea\x00", FileKind.TEXT),
        (OCTETS, "a.eml", b"Subject: x", FileKind.MAIL),
        (OCTETS, "a.txt", b"MZ\x00\x00", None),
        (OCTETS, "a.exe", b"text", None),
        (OCTETS, "", b"text", None),
        ("application/pdf", "a.pdf", b"no pdf", None),
    ],
)
def test_the_octets_decide_before_the_name(media_type: str, name: str, head: bytes, kind: FileKind | None) -> None:
    assert kind_of(media_type, name, head) is kind


def test_what_reading_looks_at_is_not_examined_again() -> None:
    assert not is_examined("text", "csv")
    assert not is_examined("message", "rfc822")
    assert not is_examined("image", "png")
    assert not is_examined("application", "pkcs7-signature")
    assert is_examined("application", "pdf")
    assert is_examined("chemical", "x-pdb")


MAIL = b"\r\n".join(
    [
        b'Content-Type: multipart/mixed; boundary="x"',
        b"",
        b"--x",
        b"Content-Type: text/csv",
        b"Content-Disposition: attachment; filename=a.csv",
        b"",
        b"table",
        b"--x",
        b'Content-Type: application/octet-stream; name="=?utf-8?q?b=C3=BC.txt?="',
        b"Content-Transfer-Encoding: base64",
        b"",
        b"d2Fs",
        b"cnVz",
        b"--x",
        b"Content-Type: message/rfc822",
        b"",
        b'Content-Type: multipart/mixed; boundary="y"',
        b"",
        b"--y",
        b"Content-Type: application/pdf",
        b"",
        b"nested",
        b"--y",
        b"Content-Type: image/png",
        b"",
        b"png",
        b"--y--",
        b"--x--",
        b"",
    ]
)


async def test_attachments_of_a_message_and_of_messages_in_it() -> None:
    blobs = MemoryBlobs()
    blob = await blobs.read((await store_message(blobs, MAIL)).id)
    scan = await scan_of(blobs, blob)
    attachments = list(attachments_of(blob, scan))
    assert [(part.path, part.name, part.media_type) for part in attachments] == [
        ("2", "bü.txt", OCTETS),
        ("3.1", "", "application/pdf"),
    ]
    assert [b"".join(part.octets()) for part in attachments] == [b"walrus", b"nested"]
    read = "".join(body_texts(blob, scan))
    assert "table" in read and "walrus" not in read and "nested" not in read


def test_no_text_and_no_part_is_examined_in_a_plain_mail() -> None:
    scanner = Scanner()
    scanner.feed(b"Subject: x\r\n\r\nplain")
    assert not [part for part in scanner.finish().parts if is_examined(part.media_type, part.subtype)]
