"""zstd frames: each is compressed independently and contains its plain size and checksum."""

import threading
from typing import Final

import zstandard

# A compressor costs about 1 MB and must not run in two threads at once (it releases the GIL), so there is one for each
# thread and level.
_OF_THREAD: Final = threading.local()


class FrameDamaged(Exception):
    """The frame does not decompress to the size in the index."""


def compress(plain: bytes | bytearray | memoryview, level: int) -> bytes:
    """Compress data to one frame. Incompressible data grows by some 20 bytes at most for each 128 KiB."""
    return _compressor(level).compress(plain)


def decompress(frame: bytes | memoryview, size: int) -> bytes:
    """The `size` plain bytes of a frame. Raises `FrameDamaged`. Never allocates more than `size`."""
    try:
        if zstandard.frame_content_size(frame) != size:
            raise FrameDamaged("frame does not have the size of its index entry")
        return _decompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise FrameDamaged(f"frame does not decompress: {error}") from error


def _compressor(level: int) -> zstandard.ZstdCompressor:
    kept: tuple[int, zstandard.ZstdCompressor] | None = getattr(_OF_THREAD, "compressor", None)
    if kept is None or kept[0] != level:
        kept = (level, zstandard.ZstdCompressor(level=level, write_checksum=True))
        _OF_THREAD.compressor = kept
    return kept[1]


def _decompressor() -> zstandard.ZstdDecompressor:
    kept: zstandard.ZstdDecompressor | None = getattr(_OF_THREAD, "decompressor", None)
    if kept is None:
        kept = _OF_THREAD.decompressor = zstandard.ZstdDecompressor()
    return kept
