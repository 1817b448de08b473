"""An event's data as the log stores it: JSON as it came, or compressed when that is worth it."""

from __future__ import annotations

import threading

import zstandard

_MAGIC = b"\x28\xb5\x2f\xfd"
"""How a zstd frame begins (RFC 8878 3.1.1); JSON never does."""
_LEVEL = 1
_own = threading.local()


class Packer:
    """Compresses what is longer than a border. One thread uses it at a time."""

    def __init__(self, above: int) -> None:
        self._above = above
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)

    def pack(self, data: bytes) -> bytes:
        """The data to be stored."""
        return data if len(data) <= self._above else self._compressor.compress(data)


def unpack(stored: bytes) -> bytes:
    """The data that was packed."""
    stored = bytes(stored)
    return _decompressor().decompress(stored) if stored.startswith(_MAGIC) else stored


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_own, "decompressor"):
        _own.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _own.decompressor
    return decompressor
