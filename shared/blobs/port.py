"""The blob port: the interface of every adapter (local files, memory, S3), which the contract tests check.

A *body* is the message as it is stored. A *scan* is the opaque result of the structure scanner; it is stored behind the
body in the same file and can be replaced. Sizes and offsets are bytes of the plain (uncompressed) body.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from shared.blobs.blob_id import BlobId

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob on stable storage: its id and the size of its body in bytes."""

    id: BlobId
    size: int
    stamp: str = field(default="", compare=False)
    """Identifies the file that this commit created, for `take_back`; empty when the same body existed before."""


@dataclass(frozen=True, slots=True)
class Intact:
    """The result of `verify` for a whole blob: the body has the hash in its name, and the scan can be read."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """The result of `verify` for a damaged blob, with a description for the operator."""

    reason: str


class BlobWriter(Protocol):
    """Takes one body; used by one task, once. Leaving the `with` block before `commit` aborts it."""

    @property
    def size(self) -> int:
        """The number of bytes written so far."""

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Write the next bytes, which are copied.

        Raises `BlobTooLarge` above the limit, and `BlobStoreFull` or `BlobError` when spooling fails.
        """

    async def commit(self, scan: bytes) -> BlobRef:
        """Make body and scan durable under the name of the body. After an error nothing of it is left."""

    def abort(self) -> None:
        """Discard everything written. Does nothing after `commit` or a second time."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Blob(Protocol):
    """A stored blob, without an open file.

    Reads raise `BlobDamaged`, and `BlobMissing` when the blob was swept meanwhile.
    """

    @property
    def id(self) -> BlobId: ...

    @property
    def body_size(self) -> int: ...

    @property
    def scan(self) -> bytes:
        """The result of the structure scanner, as given to `commit` or `replace_scan`."""

    def read(self, start: int, end: int) -> bytes:
        """The bytes [start, end) of the body, cut at its end. Only the frames in that range are decompressed."""

    def body(self) -> bytes:
        """The whole body at once. 25 MB take some 40 ms, so a server uses `iterate` instead."""

    def iterate(self, start: int, end: int, chunk: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes of `read(start, end)` in pieces of at most `chunk`, each cheap enough for an event loop."""


class BlobReader(Protocol):
    """Access to a store for reading."""

    async def read(self, blob_id: BlobId) -> Blob:
        """The blob. Raises `BadBlobId`, `BlobMissing`, `BlobDamaged` (its trailer), `BlobError`."""

    async def verify(self, blob_id: BlobId) -> Intact | Damaged:
        """Read and hash the whole blob in a thread. Raises `BlobMissing`."""

    def list(self, generation: str) -> AsyncIterator[BlobId]:
        """The blobs of a generation in any order; blobs written meanwhile may be missing.

        Empty for an unknown generation.
        """

    async def generations(self) -> tuple[str, ...]:
        """The existing generations, in the order of their names."""


class Blobs(BlobReader, Protocol):
    """Access to a store for reading and writing. Several processes may have one to the same store."""

    @property
    def generation(self) -> str:
        """The generation into which new blobs are written."""

    def writer(self, limit: int | None = None) -> BlobWriter:
        """A writer for a body of at most `limit` bytes (None: no limit)."""

    async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
        """Replace the scan behind a body, atomically and durably. Raises `BlobMissing`, `BlobDamaged`."""

    async def delete(self, blob_id: BlobId) -> bool:
        """Remove a blob; False when it did not exist.

        After a power failure it may exist again; sweeping again is harmless.
        """

    async def take_back(self, ref: BlobRef) -> bool:
        """Remove the blob of a commit to which nothing refers (a refused APPEND); returns whether it was removed.

        It stays when the body existed before, or when the same body was committed again, because something may refer to
        it.
        """

    async def quarantine(self, blob_id: BlobId) -> None:
        """Move a damaged blob aside for the operator; afterwards it is missing. Raises `BlobMissing`."""

    async def close(self) -> None:
        """Finish running commits and stop the threads."""


def clamp(start: int, end: int, size: int) -> tuple[int, int]:
    """[start, end) cut to a body of `size` bytes. Raises ValueError for a negative or reversed range."""
    if start < 0 or end < start:
        raise ValueError(f"bad range {start}..{end}")
    return min(start, size), min(end, size)


def pieces(start: int, end: int, chunk: int) -> Iterator[tuple[int, int]]:
    """[start, end) cut into consecutive ranges of at most `chunk` bytes."""
    return ((at, min(at + chunk, end)) for at in range(start, end, chunk))
