"""The attachments of a stored mail are read once, within the budget of the mail; honest documents give their text."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.indexer.extraction.attachments import AttachmentTexts
from services.indexer.extraction.extractor import ProcessExtractor
from services.indexer.extraction.port import Attachment, Budget, ExtractedText, ExtractionStatus, ExtractorUnavailable
from services.indexer.extraction.store import ExtractedStore
from services.indexer.settings import ExtractionSettings
from shared.blobs.memory import MemoryBlobs
from shared.blobs.port import Blob
from shared.protocol.message.scan import Scan
from shared.scans import scan_of, store_message
from tests.harness.compound_files import compound_of, msg_of
from tests.harness.documents import (
    docx_of,
    epub_of,
    odf_from,
    odp_of,
    ods_of,
    odt_of,
    pdf_from,
    pdf_of,
    pptx_of,
    rtf_of,
    xlsx_of,
    zip_of,
)
from tests.harness.waiting import until_true


def mail(*attachments: tuple[str, bytes]) -> bytes:
    """A mail with these attachments, by name."""
    parts = b"".join(
        b'--x\r\nContent-Type: application/octet-stream; name="%s"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n'
        % (name.encode(), base64.encodebytes(octets))
        for name, octets in attachments
    )
    return b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nbody\r\n' + parts + b"--x--\r\n"


async def stored(octets: bytes) -> tuple[Blob, Scan]:
    blobs = MemoryBlobs()
    blob = await blobs.read((await store_message(blobs, octets)).id)
    return blob, await scan_of(blobs, blob)


class _Counting:
    """An extractor that counts, and answers with the first octets."""

    version = "1"

    def __init__(self) -> None:
        self.names: list[str] = []
        self.unavailable = False

    async def extract(self, attachment: Attachment, budget: Budget) -> ExtractedText:
        if self.unavailable:
            raise ExtractorUnavailable
        self.names.append(attachment.name)
        await asyncio.sleep(0)
        text = b"".join(attachment.octets()).decode()
        budget.parts -= 1
        budget.characters -= len(text)
        return ExtractedText(ExtractionStatus.OK, text, "", self.version)

    async def close(self) -> None:
        return None


async def test_a_mail_without_attachments_costs_nothing(tmp_path: Path) -> None:
    store = ExtractedStore(tmp_path, 1 << 20)
    store.close()  # It is not even asked.
    texts = AttachmentTexts(_Counting(), store, ExtractionSettings())
    assert await texts.read("ann", *await stored(b"Subject: x\r\n\r\nbody")) == ()


async def test_a_blob_is_read_once_for_all_who_hold_it(tmp_path: Path) -> None:
    extractor = _Counting()
    texts = AttachmentTexts(extractor, ExtractedStore(tmp_path, 1 << 20), ExtractionSettings())
    blob, scan = await stored(mail(("a.txt", b"walrus")))
    results = await asyncio.gather(*(texts.read(account, blob, scan) for account in ("ann", "bob", "cid")))
    assert {result[0].text for result in results} == {"walrus"}
    assert extractor.names == ["a.txt"]


async def test_the_budget_is_that_of_the_mail(tmp_path: Path) -> None:
    extractor = _Counting()
    texts = AttachmentTexts(extractor, ExtractedStore(tmp_path, 1 << 20), ExtractionSettings(attachments=2))
    results = await texts.read("ann", *await stored(mail(*((f"{number}.txt", b"x") for number in range(5)))))
    assert [result.status for result in results] == ["ok", "ok", "limit"]
    assert "3 attachments were passed over" in results[-1].detail


async def test_without_processes_it_is_tried_again(tmp_path: Path) -> None:
    extractor = _Counting()
    texts = AttachmentTexts(extractor, ExtractedStore(tmp_path, 1 << 20), ExtractionSettings())
    blob, scan = await stored(mail(("a.txt", b"walrus")))
    extractor.unavailable = True
    with pytest.raises(ExtractorUnavailable):
        await texts.read("ann", blob, scan)
    extractor.unavailable = False
    assert (await texts.read("ann", blob, scan))[0].text == "walrus"


async def test_a_store_that_fails_stops_nothing(tmp_path: Path) -> None:
    store = ExtractedStore(tmp_path, 1 << 20)
    texts = AttachmentTexts(_Counting(), store, ExtractionSettings())
    store.close()
    assert (await texts.read("ann", *await stored(mail(("a.txt", b"walrus")))))[0].text == "walrus"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extraction")


@pytest.fixture
async def extractor(library: Path) -> AsyncIterator[ProcessExtractor]:
    result = ProcessExtractor(ExtractionSettings(idle_seconds=0.2), library)
    yield result
    await result.close()


ENCRYPTED_PDF = pdf_from(
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[]/Count 0>>",
    b"<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -44>>",
    trailer=b"/Encrypt 3 0 R/ID[<00><00>]",
)
ENCRYPTED_ODT = odf_from("text", "", "<manifest><file-entry><encryption-data/></file-entry></manifest>")
INNER = mail(("inner.docx", docx_of("walrus inside")), ("inner.pdf", ENCRYPTED_PDF))
HONEST: dict[str, tuple[bytes, str, str]] = {
    "a.pdf": (pdf_of(b"walrus"), "ok", "walrus"),
    "a.docx": (docx_of("wälrus AT&amp;T 5&lt;6 &#8364;"), "ok", "wälrus AT&T 5<6 €"),
    "a.xlsx": (xlsx_of([["AT&amp;T", "tusk"], ["2", "3"]]), "ok", "AT&T tusk\n2 3"),
    "a.pptx": (pptx_of("AT&amp;T"), "ok", "AT&T"),
    "a.odt": (odt_of("walrus &amp; tusk"), "ok", "walrus & tusk"),
    "a.ods": (ods_of([["walrus", "tusk"]]), "ok", "walrus tusk"),
    "a.odp": (odp_of("walrus &amp; tusk"), "ok", "walrus & tusk"),
    "a.rtf": (rtf_of(rb"w\'e4lrus \u8364?"), "ok", "wälrus €"),
    "a.epub": (epub_of("<p>AT&amp;T</p>"), "ok", "AT&T"),
    "a.html": (b"<p>w&auml;lrus <b>t</b>usk", "ok", "wälrus tusk"),
    "a.csv": ("wälrus;2".encode("latin-1"), "ok", "wälrus;2"),
    "a.eml": (INNER, "ok", "walrus inside"),
    "a.msg": (msg_of("walrus", "a tusk"), "ok", "a tusk"),
    "word.msg": (compound_of({"__properties_version1.0": bytes(32), "x": {"WordDocument": b""}}), "empty", ""),
    "e.docx": (compound_of({"EncryptedPackage": b"", "EncryptionInfo": b""}), "encrypted", ""),
    "thumbs.db": (compound_of({"Catalog": b""}), "unsupported", ""),
    "broken.doc": (compound_of({"WordDocument": b"junk"}), "failed", ""),
    "e.pdf": (ENCRYPTED_PDF, "encrypted", ""),
    "e.odt": (ENCRYPTED_ODT, "encrypted", ""),
    "a.zip": (zip_of({"a.txt": "walrus"}), "unsupported", ""),
    "a.exe": (b"MZ\x00\x00", "unsupported", ""),
    "blank.pdf": (pdf_of(b" "), "empty", ""),
    "broken.docx": (docx_of("walrus")[:300], "failed", ""),
    "nothing": (b"", "empty", ""),
}


@pytest.mark.parametrize("name", list(HONEST))
async def test_documents(extractor: ProcessExtractor, name: str) -> None:
    octets, status, text = HONEST[name]
    result = await extractor.extract(attachment_of(name, lambda: octets), Budget(10_000, 10, 5, 60))
    assert (result.status, result.version) == (status, extractor.version), result.detail
    assert text in result.text
    assert bool(result.text.strip()) == bool(text)
    assert "Error" not in result.text


def attachment_of(name: str, octets: Callable[[], bytes]) -> Attachment:
    return Attachment("2", name, "application/octet-stream", "", lambda: iter([octets()]))


async def test_a_process_serves_several_files_and_ends_when_idle(extractor: ProcessExtractor) -> None:
    seen = set()
    for name in ("a.pdf", "a.docx", "broken.docx", "a.zip"):
        await extractor.extract(attachment_of(name, lambda name=name: HONEST[name][0]), Budget(1000, 10, 5, 60))
        seen.update(extractor.running)
    assert len(seen) == 1
    await until_true(lambda: not extractor.running)


async def test_a_process_is_replaced_after_its_requests(library: Path) -> None:
    extractor = ProcessExtractor(ExtractionSettings(requests=2), library)
    seen = []
    for _ in range(4):
        await extractor.extract(attachment_of("a.txt", lambda: b"x"), Budget(1000, 10, 5, 60))
        seen.append(extractor.running)
    await extractor.close()
    assert [len(running) for running in seen] == [1, 0, 1, 0]
    assert seen[0] != seen[2]


async def test_several_processes_work_at_once(library: Path) -> None:
    extractor = ProcessExtractor(ExtractionSettings(processes=2), library)
    results = await asyncio.gather(
        *(extractor.extract(attachment_of("a.pdf", lambda: pdf_of(b"walrus")), Budget(99, 9, 5, 60)) for _ in range(6))
    )
    assert [result.text.strip() for result in results] == ["walrus"] * 6
    assert len(extractor.running) == 2
    await extractor.close()
    assert extractor.running == ()


async def test_an_error_of_the_blob_is_no_verdict(extractor: ProcessExtractor) -> None:
    def damaged() -> bytes:
        raise ConnectionError("the blob cannot be read now")

    with pytest.raises(ConnectionError):
        await extractor.extract(attachment_of("a.pdf", damaged), Budget(99, 9, 5, 60))
    good = await extractor.extract(attachment_of("a.pdf", lambda: pdf_of(b"walrus")), Budget(99, 9, 5, 60))
    assert good.text.strip() == "walrus"


async def test_without_room_for_the_library_it_is_to_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    extractor = ProcessExtractor(ExtractionSettings(), tmp_path / "file")
    with pytest.raises(ExtractorUnavailable):
        await extractor.extract(attachment_of("a.pdf", lambda: pdf_of(b"walrus")), Budget(99, 9, 5, 60))
    await extractor.close()


async def test_the_library_is_unpacked_into_the_folder_only(extractor: ProcessExtractor, library: Path) -> None:
    await extractor.extract(attachment_of("a.pdf", lambda: pdf_of(b"walrus")), Budget(99, 9, 5, 60))
    assert unpacked(library) == [("kreuzberg-pdfium", 0o700)]


def unpacked(library: Path) -> list[tuple[str, int]]:
    return [(path.name, path.parent.stat().st_mode & 0o777) for path in library.glob("*/*")]
