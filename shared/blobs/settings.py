"""Settings for writing blobs. Reading needs none, because a file describes its own format."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """How blobs are written.

    `spool_bytes`: a body up to this size stays in memory until `commit`; a larger one goes to a temporary file frame by
    frame. `frame_bytes`: plain bytes of a compressed frame, which a spooling writer holds in memory, and which are the
    least that a range read decompresses (128 KiB: 0.2 ms). `level`: of zstd; level 1 costs 38 µs for 8 KB of mail,
    level 3 costs 53 µs and saves 2 %. `packed_octets`: a blob whose file would have at most this size goes into the
    pack of its process, where it costs a third of the CPU of a file; 0: every blob is a file.
    """

    spool_bytes: int = 256 * 1024
    frame_bytes: int = 128 * 1024
    level: int = 1
    packed_octets: int = 32 * 1024

    def __post_init__(self) -> None:
        if not 4096 <= self.frame_bytes <= self.spool_bytes:
            raise ValueError("4096 <= frame_bytes <= spool_bytes does not hold")
        if not 1 <= self.level <= 19:
            raise ValueError("zstd level is not in 1..19")
