"""A stored scan of another version is made again and stored; a failed scan is reported with its blob and refuses
nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from services.classifier.handlers.judge import examined
from services.mailstore.search.candidate import Candidate, EntryRow
from shared import background, scans
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.memory import MemoryBlobs
from shared.protocol.message import finder
from shared.protocol.message.scan import SCANNER_VERSION, Scanner, decode_scan, encode_scan, scan, stored_version
from shared.scans import ScanCounts, finished, newer_scan, report_failure, scan_of

MAIL = b"Subject: kept\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n"
NOW = encode_scan(scan(MAIL))
OTHERS = {
    "an older version of today's shape": msgspec.msgpack.encode(
        [SCANNER_VERSION - 1, *msgspec.msgpack.decode(NOW)[1:]]
    ),
    "an older version of another shape": msgspec.msgpack.encode([0, len(MAIL), 60, {"parts": []}]),
    "a newer version": msgspec.msgpack.encode([SCANNER_VERSION + 1, "all", "is", "new"]),
    "today's version, but no scan": msgspec.msgpack.encode([SCANNER_VERSION, len(MAIL), 60]),
    "nothing": b"",
    "noise": b"\xc1\xff\x00",
    "a map": msgspec.msgpack.encode({"version": SCANNER_VERSION}),
}


@pytest.fixture(autouse=True)
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[ScanCounts]]:
    monkeypatch.setattr(ScanCounts, "failed", 0)
    monkeypatch.setattr(ScanCounts, "again", 0)
    yield ScanCounts
    scans._keeping.clear()


async def kept(blobs: MemoryBlobs, blob_id: BlobId) -> bytes:
    """The stored scan, after all scans have been stored."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(call for call in background._calls if call.get_loop() is loop))
    assert scans._keeping == set()
    return (await blobs.read(blob_id)).scan


@pytest.mark.parametrize("stored", OTHERS.values(), ids=OTHERS)
async def test_a_scan_of_another_version_is_made_again_and_kept(stored: bytes, counts: type[ScanCounts]) -> None:
    blobs = MemoryBlobs()
    blob_id = blobs.put(MAIL, stored).id
    assert await scan_of(blobs, await blobs.read(blob_id)) == scan(MAIL)
    assert await kept(blobs, blob_id) == NOW
    assert await scan_of(blobs, await blobs.read(blob_id)) == scan(MAIL)
    assert counts.again == 1


async def test_todays_scan_is_read_and_nothing_is_written(counts: type[ScanCounts]) -> None:
    blobs = MemoryBlobs()
    blob = await blobs.read(blobs.put(MAIL, NOW).id)
    assert await scan_of(blobs, blob) == scan(MAIL)
    assert await newer_scan(blobs, blob) is None
    assert (counts.again, scans._keeping) == (0, set())


async def test_a_newer_scan_in_place_of_the_stored_one() -> None:
    blobs = MemoryBlobs()
    blob = await blobs.read(blobs.put(MAIL, OTHERS["an older version of another shape"]).id)
    assert await newer_scan(blobs, blob) == scan(MAIL)


async def test_keeping_is_bounded_and_may_fail() -> None:
    """A mailbox full of old scans is answered at once while a slow disk stores some new ones; a failing disk ends
    nothing."""
    disk = asyncio.Event()

    class Slow(MemoryBlobs):
        async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
            await disk.wait()
            raise BlobError("full")

    blobs = Slow()
    stored = [blobs.put(MAIL + b"%d" % number, b"").id for number in range(3 * scans.KEPT_AT_ONCE)]
    with capture_logs() as logs:
        for blob_id in stored:
            await scan_of(blobs, await blobs.read(blob_id))
        assert len(scans._keeping) == scans.KEPT_AT_ONCE
        disk.set()
        await kept(blobs, stored[0])
    assert [entry["event"] for entry in logs] == ["scan.not_kept"] * scans.KEPT_AT_ONCE


async def test_a_scan_again_runs_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    real = scans._scan_blob

    def noting(*arguments: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return real(*arguments)

    monkeypatch.setattr(scans, "_scan_blob", noting)
    blobs = MemoryBlobs()
    await scan_of(blobs, await blobs.read(blobs.put(MAIL, b"").id))
    assert seen == [False]


@pytest.mark.parametrize(("lines", "beside"), [(10, False), (20_000, True)])
async def test_many_header_lines_are_finished_beside_the_loop(lines: int, beside: bool) -> None:
    class Watched(Scanner):
        thread: threading.Thread | None = None

        def finish(self) -> Any:
            self.thread = threading.current_thread()
            return super().finish()

    scanner = Watched()
    scanner.feed(b"To: ann@example.org\r\n" * lines + b"\r\nbody")
    await finished(scanner)
    assert (scanner.thread is not threading.main_thread()) is beside


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(finder, "parse_type", fails)


async def test_what_failed_is_counted_and_logged_with_its_blob(
    counts: type[ScanCounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    scanner = Scanner()
    scanner.feed(MAIL)
    result = await finished(scanner)
    with capture_logs() as logs:
        report_failure(scanner, BlobId("g0001/" + 64 * "0"))
    assert [part.content_type for part in result.parts] == ["text/plain"]
    assert counts.failed == 1
    assert [(entry["event"], entry["blob"]) for entry in logs] == [("scan.failed", "g0001/" + 64 * "0")]


async def test_a_scan_again_that_fails_is_reported_too(
    counts: type[ScanCounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    blobs = MemoryBlobs()
    blob_id = blobs.put(MAIL, b"").id
    with capture_logs() as logs:
        scanned = await scan_of(blobs, await blobs.read(blob_id))
    assert (scanned.size, scanned.subject, len(scanned.parts)) == (len(MAIL), "kept", 1)
    assert [(entry["event"], entry["blob"]) for entry in logs] == [("scan.failed", str(blob_id))]
    assert stored_version(await kept(blobs, blob_id)) == SCANNER_VERSION
    assert decode_scan((await blobs.read(blob_id)).scan) == scanned


async def test_the_classifier_examines_a_mail_with_an_old_scan() -> None:
    """Decoding another version's scan raised an error that no worker knew, so the mail became a dead letter."""
    blobs = MemoryBlobs()
    blob_id = blobs.put(MAIL, OTHERS["an older version of another shape"]).id
    assert await examined(blobs, blob_id, 1000) == (MAIL, scan(MAIL))


async def test_a_search_looks_into_a_mail_with_an_old_scan() -> None:
    blobs = MemoryBlobs()
    blob = await blobs.read(blobs.put(MAIL, OTHERS["nothing"]).id)
    candidate = Candidate(EntryRow(1, 0, "", 1, 0, 0, 0, 0, "", ""), blob, await newer_scan(blobs, blob))
    assert candidate.values("subject") == ["kept"]
    assert "one" in "".join(candidate.body())
