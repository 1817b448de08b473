"""A document that Word has written, out of a real mail."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from services.indexer.extraction.attachments import AttachmentTexts
from services.indexer.extraction.extractor import ProcessExtractor
from services.indexer.extraction.store import ExtractedStore
from services.indexer.settings import ExtractionSettings
from shared.blobs.memory import MemoryBlobs
from shared.scans import scan_of, store_message
from tests.parts import test_data

ARCHIVE = test_data.folder() / "spam" / "spamassassin.tar.xz"
MEMBER = "spamassassin/spam_2/01359.deafa1d42658c6624c6809a446b7f369"


@pytest.mark.skipif(not ARCHIVE.exists(), reason=test_data.reason_missing() or "no spam corpus")
async def test_a_word_document_in_a_mail(tmp_path: Path) -> None:
    settings = ExtractionSettings()
    extractor = ProcessExtractor(settings, tmp_path / "library")
    texts = AttachmentTexts(extractor, ExtractedStore(tmp_path, 1 << 20), settings)
    blobs = MemoryBlobs()
    blob = await blobs.read((await store_message(blobs, real_mail())).id)
    scan = await scan_of(blobs, blob)
    first = await texts.read("ann", blob, scan)
    await extractor.close()
    assert [(result.status, "Yinxiang Motorcycle" in result.text) for result in first] == [("ok", True)]
    assert await texts.read("bob", blob, scan) == first  # Kept: the processes are gone.


def real_mail() -> bytes:
    with tarfile.open(ARCHIVE) as archive:
        file = archive.extractfile(MEMBER)
        assert file is not None
        octets = file.read()
    return octets.partition(b"\n")[2] if octets.startswith(b"From ") else octets
