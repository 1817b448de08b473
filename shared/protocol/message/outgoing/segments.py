"""The body of an outgoing message as a list of segments, from which its octets can be made as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, assert_never

from shared.protocol.message.outgoing.encoders import Target, cleaned_pieces, encoded_pieces
from shared.protocol.message.transfer import pieces

Ranges = Callable[[int, int], Iterator[bytes]]
"""The octets [start, stop) of the stored message, in pieces of bounded size; `Blob.iterate` is one."""


class Copied(NamedTuple):
    """A range that leaves as it is stored."""

    start: int
    stop: int


class Encoded(NamedTuple):
    """The body of a part that is encoded anew."""

    start: int
    stop: int
    source: str
    """Its present encoding, in lower case."""
    target: Target


class Cleaned(NamedTuple):
    """A range outside of all parts whose octets must be replaced (see `cleaned_pieces`)."""

    start: int
    stop: int
    seven_bit: bool


class Written(NamedTuple):
    """Octets that replace a range: the header of a part."""

    octets: bytes


Segment = Copied | Encoded | Cleaned | Written


def segment_pieces(segment: Segment, read: Ranges) -> Iterator[bytes]:
    """The octets of a segment in pieces of bounded size."""
    match segment:
        case Copied(start, stop):
            yield from read(start, stop)
        case Encoded(start, stop, source, target):
            yield from encoded_pieces(read(start, stop), source, target)
        case Cleaned(start, stop, seven_bit):
            yield from cleaned_pieces(read(start, stop), seven_bit=seven_bit)
        case Written(octets):
            yield octets
        case _:
            assert_never(segment)


def joined(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments without empty ranges, with neighbouring copies as one."""
    result: list[Segment] = []
    for segment in segments:
        last = result[-1] if result else None
        if isinstance(segment, Copied):
            if segment.start >= segment.stop:
                continue
            if isinstance(last, Copied) and last.stop == segment.start:
                result[-1] = Copied(last.start, segment.stop)
                continue
        result.append(segment)
    return tuple(result)


def ranges_of(octets: bytes, offset: int = 0) -> Ranges:
    """Ranges of octets in memory; `offset` is the offset of the first of them in the stored message."""

    def read(start: int, stop: int) -> Iterator[bytes]:
        yield from pieces(memoryview(octets)[start - offset : stop - offset])

    return read
