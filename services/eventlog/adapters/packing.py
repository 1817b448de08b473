"""The form in which the log stores an event's data: JSON as received, or compressed when that saves space."""

from __future__ import annotations

import threading

import zstandard

_MAGIC = b"\x28\xb5\x2f\xfd"
"""The first octets of a zstd frame (RFC 8878 §3.1.1), with which JSON never begins."""
_LEVEL = 1
_own = threading.local()


class Packer:
    """Compresses data that is longer than a limit. Only one thread may use it at a time."""

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
