"""The errors of the blob store. All of them are `BlobError`."""

import errno


class BlobError(Exception):
    """The blob store failed: an I/O error, or a folder that is not ours. Temporary for a mail (451)."""


class BlobStoreFull(BlobError):
    """No space, quota or file size is left on the device. Temporary (452 4.3.1)."""


class BlobTooLarge(BlobError):
    """The body is larger than the writer's `limit`. Permanent for this message (552 5.3.4)."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"body exceeds {limit} bytes")
        self.limit = limit


class BadBlobId(BlobError, ValueError):
    """The text is not `<generation>/<hex>`. It is never looked up, so it cannot leave the folder."""


class BlobMissing(BlobError):
    """There is no blob with that id: it was never written, or it was swept or quarantined."""

    def __init__(self, blob_id: str) -> None:
        super().__init__(f"blob {blob_id} is missing")
        self.blob_id = blob_id


class BlobDamaged(BlobError):
    """The stored file is inconsistent (length, checksum, index) at the place that was read."""

    def __init__(self, blob_id: str, reason: str) -> None:
        super().__init__(f"blob {blob_id} is damaged: {reason}")
        self.blob_id = blob_id
        self.reason = reason


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def blob_error(error: OSError, what: str) -> BlobError:
    """The `BlobError` for an operating system error that occurred while doing `what`."""
    kind = BlobStoreFull if error.errno in _FULL else BlobError
    return kind(f"{what}: {error.strerror or error}")
