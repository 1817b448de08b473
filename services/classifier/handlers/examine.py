"""The bytes of a message that are looked at, and its scan."""

from __future__ import annotations

from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs
from shared.protocol.message.scan import Scan
from shared.scans import scan_of


async def examined(blobs: Blobs, blob_id: str, limit: int) -> tuple[bytes, Scan]:
    """The head of a message, at most `limit` octets, with the scan of the whole. Raises BlobError."""
    blob = await blobs.read(BlobId(blob_id))
    return blob.read(0, min(blob.body_size, limit)), await scan_of(blobs, blob)
