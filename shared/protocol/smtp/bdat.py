"""One chunk of BDAT (RFC 3030 §2): counted octets, without terminator and without dot-stuffing."""


class ChunkDecoder:
    """Takes the octets of one chunk from a buffer."""

    __slots__ = ("remaining",)

    def __init__(self, size: int) -> None:
        self.remaining = size  # octets

    @property
    def finished(self) -> bool:
        return self.remaining == 0

    def decode(self, buffer: bytearray) -> bytes:
        """Take the available octets of the chunk from the front of the buffer."""
        with memoryview(buffer) as view:
            piece = bytes(view[: self.remaining])
        self._drop(buffer, len(piece))
        return piece

    def skip(self, buffer: bytearray) -> None:
        """Drop the available octets of the chunk."""
        self._drop(buffer, min(len(buffer), self.remaining))

    def _drop(self, buffer: bytearray, octets: int) -> None:
        del buffer[:octets]
        self.remaining -= octets
