"""A stored message in which some ranges have other octets: as segments, as ranges, and with the offsets of its scan."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

from shared.protocol.message.outgoing.segments import Copied, Ranges, Segment, Written, joined
from shared.protocol.message.scan import Part, Scan
from shared.protocol.message.transfer import pieces


class Replaced(NamedTuple):
    """New octets for the stored range [start, stop)."""

    start: int
    stop: int
    octets: bytes
    tail: bytes = b""
    """What follows the new octets and belongs to no part: a line end before a delimiter."""

    @property
    def growth(self) -> int:
        """Octets more than before, without the tail."""
        return len(self.octets) - (self.stop - self.start)


class ReplacedLines(NamedTuple):
    """A replaced range, and how many line ends it has more than before."""

    replaced: Replaced
    more_lines: int


def segments_of(changes: Sequence[Replaced], start: int, stop: int) -> tuple[Segment, ...]:
    """The octets from `start` to `stop` with the changes, which are in order and do not overlap."""
    result: list[Segment] = []
    at = start
    for change in changes:
        result += (Copied(at, change.start), Written(change.octets + change.tail))
        at = change.stop
    return joined((*result, Copied(at, stop)))


def overlaid(segments: Sequence[Segment], read: Ranges) -> Ranges:
    """Ranges of the changed message, which has these segments. A reader of all of it looks up each segment once."""
    ends = list(accumulate(map(_size, segments)))

    def changed(start: int, stop: int) -> Iterator[bytes]:
        index = bisect_right(ends, start)
        while start < stop and index < len(segments):
            first = ends[index] - _size(segments[index])
            last = min(stop, ends[index])
            yield from _pieces(segments[index], start - first, last - first, read)
            start = last
            index += 1

    return changed


def _size(segment: Segment) -> int:
    return len(segment.octets) if isinstance(segment, Written) else segment.stop - segment.start


def _pieces(segment: Segment, start: int, stop: int, read: Ranges) -> Iterator[bytes]:
    if isinstance(segment, Written):
        yield from pieces(memoryview(segment.octets)[start:stop])
    else:
        yield from read(segment.start + start, segment.start + stop)


def shifted(scan: Scan, changes: Sequence[ReplacedLines], parts: dict[int, Part]) -> Scan:
    """The scan of the changed message. `parts` are the changed parts, still with their old offsets."""
    moved = tuple(_moved(parts.get(index, part), changes) for index, part in enumerate(scan.parts))
    size = scan.size + sum(change.growth + len(change.tail) for change, _ in changes)
    return msgspec.structs.replace(scan, parts=moved, size=size, body=b"", bodystructure=b"")


def _moved(part: Part, changes: Sequence[ReplacedLines]) -> Part:
    within = [row for row in changes if part.body_start <= row.replaced.start and row.replaced.stop <= part.body_end]
    lines = sum(row.more_lines for row in within)
    lines += sum(row.replaced.tail.count(b"\n") for row in within if row.replaced.stop < part.body_end)
    return msgspec.structs.replace(
        part,
        header_start=_start(part.header_start, changes),
        body_start=_start(part.body_start, changes),
        body_end=_end(part.body_end, changes),
        lines=part.lines + lines,
    )


def _start(offset: int, changes: Sequence[ReplacedLines]) -> int:
    """Where what begins at this offset begins now: behind what ended before, but not behind its own new octets."""
    before = (change for change, _ in changes if change.stop <= offset and change.start < offset)
    return offset + sum(change.growth + len(change.tail) for change in before)


def _end(offset: int, changes: Sequence[ReplacedLines]) -> int:
    """Where what ends at this offset ends now: before a tail that is there."""
    before = (change for change, _ in changes if change.stop <= offset)
    return offset + sum(change.growth + (len(change.tail) if change.stop < offset else 0) for change in before)
