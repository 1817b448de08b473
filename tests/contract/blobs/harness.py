"""What a test of the blob port needs beyond the port itself: a new store, and a way to damage a blob."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blobs


@dataclass(frozen=True)
class Harness:
    """`open` gives another writer port on the same store, as another process has it; `damage` flips a stored bit."""

    open: Callable[[str], Blobs]
    damage: Callable[[BlobId], None]
