"""COMPRESS=DEFLATE with little memory (RFC 4978): raw deflate, bounded both ways."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from shared.protocol.imap.error import ImapSyntaxError

INFLATED_AT_ONCE = 65_536
"""Octets that one look at the input may inflate, however well it is compressed."""
_LEVEL = 5
_WINDOW, _MEMORY = -13, 6
"""The deflater needs 2^(13+2) + 2^(6+9) octets, 64 KB, while there is output (RFC 4978 §4). No zlib header: minus."""
_CLIENTS_WINDOW = -15
"""A client may use the largest window; zlib takes its memory as octets come."""


class Compression:
    """Both directions of a compressed connection.

    At each pause everything is flushed so that the next octets refer to nothing before; then the deflater is given up,
    and an idle connection holds none.
    """

    def __init__(self, early: bytes) -> None:
        self._input = early
        """Octets that were received and not inflated yet."""
        self._is_full = False
        self._inflater = zlib.decompressobj(_CLIENTS_WINDOW)
        self._deflater: zlib._Compress | None = None

    @property
    def is_over(self) -> bool:
        """Whether the client has ended its stream. Most clients do not (RFC 4978 §3)."""
        return self._inflater.eof

    def inflated(self, received: Callable[[], bytes]) -> bytes:
        """The next octets of the client, at most `INFLATED_AT_ONCE`; empty when more must be received.

        New octets are only taken when the earlier ones are inflated. Raises ImapSyntaxError when it is no deflate.
        """
        while not self.is_over:
            data = self._input or received()
            if not (data or self._is_full):
                break
            try:
                octets = self._inflater.decompress(data, INFLATED_AT_ONCE)
            except zlib.error as error:
                raise ImapSyntaxError("The compressed data is broken") from error
            self._input, self._is_full = self._inflater.unconsumed_tail, len(octets) == INFLATED_AT_ONCE
            if octets:
                return octets
        return b""

    def deflated(self, data: bytes) -> bytes:
        """The octets to send for this output; some may be held until `flushed`."""
        if self._deflater is None:
            self._deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
        return self._deflater.compress(data)

    def flushed(self) -> bytes:
        """What is held back, so that the client can read everything; the memory is given back."""
        if self._deflater is None:
            return b""
        octets = self._deflater.flush(zlib.Z_FULL_FLUSH)
        self._deflater = None
        return octets
