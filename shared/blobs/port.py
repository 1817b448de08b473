"""The blob port: what every adapter (local files, memory, S3) offers and what its contract suite checks.

A *body* is the message as it is kept; a *scan* is the opaque result of the structure scanner, stored behind the body
in the same file and replaceable. Sizes and offsets are bytes of the plain (uncompressed) body.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from shared.blobs.blob_id import BlobId

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that is on stable storage: its id and the size of its body in bytes."""

    id: BlobId
    size: int
    stamp: str = field(default="", compare=False)
    """Names the very file that this commit made, for `take_back`; empty when the same body was there before."""


@dataclass(frozen=True, slots=True)
class Intact:
    """`verify`: the body hashes to its name and the scan can be read."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """`verify`: what is wrong, for the operator."""

    reason: str


class BlobWriter(Protocol):
    """Takes one body. Belongs to one task; used once. Leaving the `with` block before `commit` aborts."""

    @property
    def size(self) -> int:
        """Bytes taken so far."""

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes (copied). Raises `BlobTooLarge` past the limit, `BlobStoreFull`/`BlobError` when spooling
        fails.
        """

    async def commit(self, scan: bytes) -> BlobRef:
        """Make body and scan durable under the body's name. After an error nothing of it is left."""

    def abort(self) -> None:
        """Forget everything taken. Does nothing after `commit` or a second time."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Blob(Protocol):
    """A stored blob. Holds no open file. Reads raise `BlobDamaged` (and `BlobMissing` when swept meanwhile)."""

    @property
    def id(self) -> BlobId: ...

    @property
    def body_size(self) -> int: ...

    @property
    def scan(self) -> bytes:
        """What the structure scanner said, as given to `commit` or `replace_scan`."""

    def read(self, start: int, end: int) -> bytes:
        """Body bytes [start, end), cut at the end of the body. Decompresses only the frames it touches."""

    def body(self) -> bytes:
        """The whole body at once: 25 MB take some 40 ms, so a server iterates instead."""

    def iterate(self, start: int, end: int, chunk: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes of `read(start, end)` in pieces of at most `chunk`; each piece is cheap enough for an event
        loop."""


class BlobReader(Protocol):
    """What any process may do."""

    async def read(self, blob_id: BlobId) -> Blob:
        """The blob; raises `BadBlobId`, `BlobMissing`, `BlobDamaged` (its trailer), `BlobError`."""

    async def verify(self, blob_id: BlobId) -> Intact | Damaged:
        """Read everything and hash it, off the event loop. Raises `BlobMissing`."""

    def list(self, generation: str) -> AsyncIterator[BlobId]:
        """Every blob of a generation, in no order; blobs written meanwhile may be absent. Empty for an unknown
        generation.
        """

    async def generations(self) -> tuple[str, ...]:
        """The generations that exist, oldest name first."""


class Blobs(BlobReader, Protocol):
    """What an owner of a writer port may do. Several processes may hold one on the same store."""

    @property
    def generation(self) -> str:
        """Where new blobs go."""

    def writer(self, limit: int | None = None) -> BlobWriter:
        """Begin a body of at most `limit` bytes (None: no limit)."""

    async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
        """Put another scan behind the same body, atomically and durably. Raises `BlobMissing`, `BlobDamaged`."""

    async def delete(self, blob_id: BlobId) -> bool:
        """Remove a blob; False when it was not there. May come back after power loss: sweeping again is harmless."""

    async def take_back(self, ref: BlobRef) -> bool:
        """Remove what a commit made and nobody came to refer to (a refused APPEND); whether it was removed.

        It stays when the body was there before, or when anybody committed the same body since: they may refer to it.
        """

    async def quarantine(self, blob_id: BlobId) -> None:
        """Set a damaged blob aside for the operator; it is missing from then on. Raises `BlobMissing`."""

    async def close(self) -> None:
        """Finish what is being committed and stop the threads."""


def clamp(start: int, end: int, size: int) -> tuple[int, int]:
    """[start, end) cut to a body of `size` bytes; raises ValueError for a range that runs backwards or is negative."""
    if start < 0 or end < start:
        raise ValueError(f"bad range {start}..{end}")
    return min(start, size), min(end, size)


def pieces(start: int, end: int, chunk: int) -> Iterator[tuple[int, int]]:
    """[start, end) cut into consecutive ranges of at most `chunk` bytes."""
    return ((at, min(at + chunk, end)) for at in range(start, end, chunk))
