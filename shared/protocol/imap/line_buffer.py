"""Buffers received octets until lines and literals can be taken."""


class LineBuffer:
    """A queue of octets that examines each octet only once for line ends."""

    __slots__ = ("_data", "_scanned")

    def __init__(self) -> None:
        self._data = bytearray()
        self._scanned = 0  # octets known to hold no LF

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Append octets."""
        self._data += data

    def head(self, count: int) -> bytes:
        """A copy of the first octets."""
        return bytes(self._data[:count])

    def take(self, count: int) -> bytes:
        """Remove and return at most `count` octets."""
        taken = bytes(self._data[:count])
        self.drop(count)
        return taken

    def take_line(self) -> bytes | None:
        """Remove and return one line without its end, or None.

        A bare LF also ends a line, as in sessions typed by hand.
        """
        end = self._data.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._data)
            return None
        line = self.take(end + 1)
        return line[:-2] if line[-2:-1] == b"\r" else line[:-1]

    def drop(self, count: int) -> None:
        """Remove at most `count` octets. It moves no memory, because the start of a bytearray can advance."""
        del self._data[:count]
        self._scanned = max(self._scanned - count, 0)

    def keep_last(self, count: int) -> int:
        """Remove all but the last octets; returns the number removed."""
        excess = max(len(self._data) - count, 0)
        self.drop(excess)
        return excess
