"""The blob store in memory, for unit tests of code that uses blobs. Except for durability it fulfils the contract."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from shared.blobs.blob_id import BlobId, blob_id_of, generation_of, parse_blob_id, parse_generation
from shared.blobs.errors import BlobDamaged, BlobMissing, BlobTooLarge
from shared.blobs.port import CHUNK_BYTES, BlobRef, Damaged, Intact, clamp, pieces


@dataclass(frozen=True, slots=True)
class MemoryBlob:
    """A body and its scan."""

    id: BlobId
    scan: bytes
    whole: bytes = field(repr=False)
    damaged: bool = False

    @property
    def body_size(self) -> int:
        return len(self.whole)

    def read(self, start: int, end: int) -> bytes:
        first, last = clamp(start, end, len(self.whole))
        return self.body()[first:last]

    def body(self) -> bytes:
        if self.damaged:
            raise BlobDamaged(self.id, "damaged by a test")
        return self.whole

    def iterate(self, start: int, end: int, chunk: int = CHUNK_BYTES) -> Iterator[bytes]:
        first, last = clamp(start, end, len(self.whole))
        return (self.read(a, b) for a, b in pieces(first, last, chunk))


class MemoryBlobWriter:
    """Collects a body and stores it on `commit`."""

    def __init__(self, blobs: "MemoryBlobs", limit: int | None) -> None:
        self._blobs = blobs
        self._limit = limit
        self._body = bytearray()
        self._spent = False

    @property
    def size(self) -> int:
        return len(self._body)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._check_open()
        if self._limit is not None and len(self._body) + len(chunk) > self._limit:
            raise BlobTooLarge(self._limit)
        self._body += chunk

    async def commit(self, scan: bytes) -> BlobRef:
        self._check_open()
        self._spent = True
        return self._blobs.put(bytes(self._body), scan)

    def abort(self) -> None:
        self._spent = True

    def _check_open(self) -> None:
        if self._spent:
            raise RuntimeError("blob writer used after commit or abort")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class MemoryBlobs:
    """Blobs in a dictionary; tests can damage one with `damage`."""

    def __init__(self, generation: str = "g0001") -> None:
        self._generation = parse_generation(generation)
        self._stored: dict[BlobId, MemoryBlob] = {}
        self.quarantined: dict[BlobId, MemoryBlob] = {}

    @property
    def generation(self) -> str:
        return self._generation

    def in_generation(self, generation: str) -> "MemoryBlobs":
        """Another port to the same store, which writes into another generation."""
        other = MemoryBlobs(generation)
        other._stored, other.quarantined = self._stored, self.quarantined
        return other

    def writer(self, limit: int | None = None) -> MemoryBlobWriter:
        return MemoryBlobWriter(self, limit)

    def put(self, body: bytes, scan: bytes = b"") -> BlobRef:
        """Store a body without a writer; a shortcut for tests."""
        blob_id = blob_id_of(self._generation, body)
        is_new = blob_id not in self._stored
        self._stored[blob_id] = blob = MemoryBlob(blob_id, scan, body)
        return BlobRef(blob_id, len(body), f"{id(blob)}" if is_new else "")

    async def read(self, blob_id: BlobId) -> MemoryBlob:
        return self._find(blob_id)

    async def verify(self, blob_id: BlobId) -> Intact | Damaged:
        return Damaged("damaged by a test") if self._find(blob_id).damaged else Intact()

    async def list(self, generation: str) -> AsyncIterator[BlobId]:
        parse_generation(generation)
        for blob_id in tuple(self._stored):
            if generation_of(blob_id) == generation:
                yield blob_id

    async def generations(self) -> tuple[str, ...]:
        return tuple(sorted({generation_of(blob_id) for blob_id in self._stored} | {self._generation}))

    async def replace_scan(self, blob_id: BlobId, scan: bytes) -> None:
        self._stored[blob_id] = replace(self._find(blob_id), scan=scan)

    async def delete(self, blob_id: BlobId) -> bool:
        return self._stored.pop(parse_blob_id(blob_id), None) is not None

    async def take_back(self, ref: BlobRef) -> bool:
        if not ref.stamp or f"{id(self._stored.get(ref.id))}" != ref.stamp:
            return False
        return await self.delete(ref.id)

    async def quarantine(self, blob_id: BlobId) -> None:
        self.quarantined[blob_id] = self._find(blob_id)
        del self._stored[blob_id]

    async def close(self) -> None:
        """Does nothing, because nothing runs."""

    def damage(self, blob_id: BlobId) -> None:
        """Damage a stored body, as a flipped bit would."""
        self._stored[blob_id] = replace(self._find(blob_id), damaged=True)

    def _find(self, blob_id: BlobId) -> MemoryBlob:
        blob = self._stored.get(parse_blob_id(blob_id))
        if blob is None:
            raise BlobMissing(blob_id)
        return blob
