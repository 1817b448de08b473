"""Structure scans of messages: finished without blocking the event loop, reported when they fail, and renewed.

A stored scan is a cache outside of the events. A service that reads a message with a scan of another version, or
without one, scans the message again, uses the result, and stores it behind the body. Nothing waits for storing it, and
nothing fails when it cannot be stored.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from shared.background import spawn
from shared.blobs.blob_id import BlobId
from shared.blobs.errors import BlobError
from shared.blobs.port import Blob, BlobRef, Blobs
from shared.protocol.message.scan import SCANNER_VERSION, Scan, Scanner, decode_scan, encode_scan, stored_version

log = structlog.get_logger("scan")

KEPT_AT_ONCE = 8
"""Blobs whose scans are stored again at one time; the others are stored at the next reading."""


class ScanCounts:
    """Counts of scans in this process, for its reports."""

    failed = 0
    """Messages that were scanned as one plain part because of an unforeseen error."""
    again = 0
    """Stored scans that were of another version."""


_keeping: set[BlobId] = set()


async def finished(scanner: Scanner) -> Scan:
    """The scan of a complete message; made in a thread when the message has very many header lines."""
    return await asyncio.to_thread(scanner.finish) if scanner.is_costly else scanner.finish()


def report_failure(scanner: Scanner, blob: BlobId | str) -> None:
    """Log and count an error in the scan of this blob; to be called once the blob is durable."""
    if scanner.failure is not None:
        ScanCounts.failed += 1
        log.error("scan.failed", blob=str(blob), exc_info=scanner.failure)


async def store_message(blobs: Blobs, octets: bytes) -> BlobRef:
    """Store a message that this server wrote, with its scan. Raises BlobError."""
    scanner = Scanner()
    scanner.feed(octets)
    with blobs.writer() as writer:
        writer.write(octets)
        reference = await writer.commit(encode_scan(await finished(scanner)))
    report_failure(scanner, reference.id)
    return reference


async def scan_of(blobs: Blobs, blob: Blob) -> Scan:
    """The scan of a stored message. Raises BlobError."""
    stored = blob.scan
    try:
        decoded = decode_scan(stored)
        if decoded.version == SCANNER_VERSION:
            return decoded
    except msgspec.DecodeError as error:
        if stored_version(stored) == SCANNER_VERSION:
            log.error("scan.unreadable", blob=str(blob.id), error=str(error))
    return await _again(blobs, blob)


async def newer_scan(blobs: Blobs, blob: Blob) -> Scan | None:
    """A new scan of a stored message when the stored one is of another version. Raises BlobError."""
    return None if stored_version(blob.scan) == SCANNER_VERSION else await scan_of(blobs, blob)


async def _again(blobs: Blobs, blob: Blob) -> Scan:
    scanner = Scanner()
    scanned = await asyncio.to_thread(_scan_blob, scanner, blob)
    ScanCounts.again += 1
    report_failure(scanner, blob.id)
    if len(_keeping) < KEPT_AT_ONCE and blob.id not in _keeping:
        _keeping.add(blob.id)
        spawn(_keep(blobs, blob.id, encode_scan(scanned)), "scan-keep")
    return scanned


def _scan_blob(scanner: Scanner, blob: Blob) -> Scan:
    for piece in blob.iterate(0, blob.body_size):
        scanner.feed(piece)
    return scanner.finish()


async def _keep(blobs: Blobs, blob: BlobId, scan: bytes) -> None:
    try:
        await blobs.replace_scan(blob, scan)
    except BlobError as error:
        log.warning("scan.not_kept", blob=str(blob), error=str(error))
    finally:
        _keeping.discard(blob)
