"""What is written between the server and a reading process.

To the process: a request, then the octets in pieces, each behind its length, and a length of 0, or ABANDONED when the
octets are not complete and therefore not to be read.
From the process: frames of a type, a length and a content: one that it is ready, then for each request any number of
texts and an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from struct import Struct

import msgspec

LENGTH = Struct(">I")
HEADER = Struct(">cI")
READY, TEXT, END = b"R", b"T", b"E"
PIECE = 64 * 1024
"""The most octets of a piece, and characters of a text frame."""
ABANDONED = 0xFFFFFFFF
LONGEST_FRAME = 4 * PIECE
LONGEST_REQUEST = 64 * 1024


class Confinement(msgspec.Struct, frozen=True):
    """What keeps a reading process from the network, from files and from other programs; "" where nothing does."""

    network: str
    files: str
    calls: str


class Request(msgspec.Struct, frozen=True):
    """A request to read what follows, and how much it may give."""

    kind: str
    charset: str
    characters: int
    parts: int
    depth: int
    cpu_seconds: int


class Result(msgspec.Struct, frozen=True):
    """The end of an answer. `parts` is the number of nested attachments; `worn` asks for a new process."""

    status: str
    detail: str
    parts: int
    worn: bool


class BadFrame(Exception):
    """The other side wrote what it must not write."""


def requested(request: Request, octets: Iterable[bytes], is_abandoned: Callable[[], bool]) -> Iterator[bytes]:
    """A request and its octets, as they are written; `is_abandoned` is asked after the last of them."""
    encoded = msgspec.msgpack.encode(request)
    yield LENGTH.pack(len(encoded)) + encoded
    for piece in octets:
        for start in range(0, len(piece), PIECE):
            part = piece[start : start + PIECE]
            yield LENGTH.pack(len(part)) + part
    yield LENGTH.pack(ABANDONED if is_abandoned() else 0)


def frame(kind: bytes, content: bytes) -> bytes:
    """A frame from the process."""
    return HEADER.pack(kind, len(content)) + content


class Frames:
    """Divides what a process writes into frames."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that these octets complete. Raises BadFrame."""
        self._octets += octets
        while len(self._octets) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._octets)
            if kind not in (READY, TEXT, END) or length > LONGEST_FRAME:
                raise BadFrame("the process wrote something else than an answer")
            end = HEADER.size + length
            if len(self._octets) < end:
                return
            content = bytes(self._octets[HEADER.size : end])
            del self._octets[:end]
            yield kind, content
