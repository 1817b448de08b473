"""The blob file, version 1. All numbers are little-endian.

    magic       8 bytes  b"MFBLOB1\\n"
    body        zstd frames of `frame_size` plain bytes each, the last one shorter; none for an empty body
    scan        one zstd frame; none for an empty scan
    index       u32 per body frame: its stored length
    tail        body_size u64 · frame_size u32 · frame_count u32 · scan_size u32 · scan_stored u32
                · crc32 u32 of index and tail up to here · magic b"MFBLOBE\\n"

The crc32 protects everything that a reader needs before it has the bytes (sizes, offsets). Each frame has zstd's own
checksum, and the name of the file, the blake2b-256 of the plain bytes, verifies the body as a whole. The trailer is at
the end, so that a body of unknown length can be written in one pass. The scan follows the body, so that a newer scan
can replace it without changing a body frame.
"""

import struct
import zlib
from dataclasses import dataclass

HEAD = b"MFBLOB1\n"
_END = b"MFBLOBE\n"
_SIZES = struct.Struct("<QIIII")
_CRC = struct.Struct("<I")
TAIL_BYTES = _SIZES.size + _CRC.size + len(_END)
_ENTRY_BYTES = 4


class TrailerDamaged(Exception):
    """The file is not a blob file, or it is cut short, or its trailer is inconsistent."""


@dataclass(frozen=True, slots=True)
class Trailer:
    """The contents of the trailer of a blob file."""

    body_size: int
    frame_size: int
    scan_size: int
    scan_stored: int
    lengths: tuple[int, ...]

    @property
    def body_end(self) -> int:
        """The offset at which the stored body ends and the stored scan begins."""
        return len(HEAD) + sum(self.lengths)

    def plain_size(self, number: int) -> int:
        """The plain size of body frame `number`."""
        return min(self.frame_size, self.body_size - number * self.frame_size)


def pack_trailer(trailer: Trailer) -> bytes:
    """Index and tail, to be appended to the file."""
    index = struct.pack(f"<{len(trailer.lengths)}I", *trailer.lengths)
    sizes = _SIZES.pack(
        trailer.body_size, trailer.frame_size, len(trailer.lengths), trailer.scan_size, trailer.scan_stored
    )
    return b"".join((index, sizes, _CRC.pack(zlib.crc32(sizes, zlib.crc32(index))), _END))


def trailer_bytes(end: bytes) -> int:
    """The number of bytes at the end of the file that belong to the trailer.

    `end` must contain at least the tail. Raises `TrailerDamaged`.
    """
    if len(end) < TAIL_BYTES or not end.endswith(_END):
        raise TrailerDamaged("the end of the file is not a blob's")
    frame_count: int = _SIZES.unpack_from(end, len(end) - TAIL_BYTES)[2]
    return TAIL_BYTES + frame_count * _ENTRY_BYTES


def parse_trailer(end: bytes, file_size: int) -> Trailer:
    """The trailer in `end`, the last bytes of a file of `file_size`. Raises `TrailerDamaged`."""
    length = trailer_bytes(end)
    if length > len(end):
        raise TrailerDamaged("the index is cut short")
    start, tail = len(end) - length, len(end) - TAIL_BYTES
    if _CRC.unpack_from(end, tail + _SIZES.size)[0] != zlib.crc32(memoryview(end)[start : tail + _SIZES.size]):
        raise TrailerDamaged("the trailer's checksum is wrong")
    body_size, frame_size, count, scan_size, scan_stored = _SIZES.unpack_from(end, tail)
    trailer = Trailer(body_size, frame_size, scan_size, scan_stored, struct.unpack_from(f"<{count}I", end, start))
    if trailer.body_end + scan_stored + length != file_size:
        raise TrailerDamaged("the file does not have the length its trailer says")
    return trailer
