"""What a test of the blob port needs of an adapter beyond the port: a new store, and a way to break a blob."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs


@dataclass(frozen=True)
class Harness:
    """`open` gives another writer port on the same store (another process, in effect); `damage` flips a stored bit."""

    open: Callable[[str], Blobs]
    damage: Callable[[BlobId], None]
