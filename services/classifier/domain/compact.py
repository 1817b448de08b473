"""Packs sorted sets of small integers into few bytes: the gaps between neighbours as LEB128.

LEB128 holds seven bits in a byte, low bits first. An example of 400 features takes about 750 bytes this way. All work
is done by numpy on whole arrays.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint32]

_MORE = np.uint8(0x80)
_LOW = np.uint32(0x7F)
_MAX_BYTES = 5


class CorruptFeatures(ValueError):
    """The bytes were not written by `pack` or `pack_set`."""


def pack(numbers: Numbers) -> bytes:
    """Pack any 32-bit numbers; small numbers take few bytes."""
    lengths = _lengths(numbers)
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), np.uint8)
    for step in range(int(lengths.max(initial=0))):
        here = lengths > step
        digits = (numbers[here] >> np.uint32(7 * step) & _LOW).astype(np.uint8)
        out[starts[here] + step] = np.where(lengths[here] > step + 1, digits | _MORE, digits)
    return out.tobytes()


def unpack(data: bytes) -> Numbers:
    """The numbers that `pack` wrote. Raises CorruptFeatures."""
    octets = np.frombuffer(data, np.uint8)
    if not len(octets):
        return np.empty(0, np.uint32)
    ends = np.flatnonzero(octets < _MORE)
    starts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
    if not len(ends) or ends[-1] != len(octets) - 1 or int((ends - starts).max()) >= _MAX_BYTES:
        raise CorruptFeatures("a number is cut off or too long")
    return _join(octets.astype(np.uint32) & _LOW, starts, ends)


def pack_set(indices: Numbers) -> bytes:
    """Pack sorted distinct numbers by the gaps between them."""
    return pack(np.diff(indices, prepend=np.uint32(0)))


def unpack_set(data: bytes, size: int) -> Numbers:
    """The set that `pack_set` wrote, each number below `size`. Raises CorruptFeatures."""
    indices = np.cumsum(unpack(data), dtype=np.uint64)
    if len(indices) and (int(indices[-1]) >= size or not bool(np.all(indices[1:] > indices[:-1]))):
        raise CorruptFeatures("not a sorted set of indices")
    return indices.astype(np.uint32)


def _lengths(numbers: Numbers) -> npt.NDArray[np.int64]:
    lengths = np.ones(len(numbers), np.int64)
    for step in range(1, _MAX_BYTES):
        lengths += numbers >= np.uint32(1 << 7 * step)
    return lengths


def _join(digits: Numbers, starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]) -> Numbers:
    numbers = np.zeros(len(starts), np.uint32)
    for step in range(_MAX_BYTES):
        here = starts + step <= ends
        if not here.any():
            break
        numbers[here] |= digits[starts[here] + step] << np.uint32(7 * step)
    return numbers
