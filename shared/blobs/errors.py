"""What can go wrong with a blob. Everything raised by this room is a `BlobError`."""

import errno


class BlobError(Exception):
    """The blob store failed: an I/O error, a folder that is not ours. Transient for a mail server (451)."""


class BlobStoreFull(BlobError):
    """No space, quota or file size left on the device. Transient (452 4.3.1)."""


class BlobTooLarge(BlobError):
    """A writer was given more bytes than its `limit`. Permanent for this message (552 5.3.4)."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"body exceeds {limit} bytes")
        self.limit = limit


class BadBlobId(BlobError, ValueError):
    """A text that is no `<generation>/<hex>`; never looked up, so it cannot leave the folder."""


class BlobMissing(BlobError):
    """No blob of that id: never written, swept, or quarantined."""

    def __init__(self, blob_id: str) -> None:
        super().__init__(f"blob {blob_id} is missing")
        self.blob_id = blob_id


class BlobDamaged(BlobError):
    """The stored file contradicts itself (length, checksum, index) at the place that was read."""

    def __init__(self, blob_id: str, reason: str) -> None:
        super().__init__(f"blob {blob_id} is damaged: {reason}")
        self.blob_id = blob_id
        self.reason = reason


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def blob_error(error: OSError, what: str) -> BlobError:
    """The room's error for an operating system error met while doing `what`."""
    kind = BlobStoreFull if error.errno in _FULL else BlobError
    return kind(f"{what}: {error.strerror or error}")
