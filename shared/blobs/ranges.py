"""Byte ranges of a body, the same for every adapter."""

from collections.abc import Iterator


def clamp(start: int, end: int, size: int) -> tuple[int, int]:
    """[start, end) cut to a body of `size` bytes; raises ValueError for a range that runs backwards or is negative."""
    if start < 0 or end < start:
        raise ValueError(f"bad range {start}..{end}")
    return min(start, size), min(end, size)


def pieces(start: int, end: int, chunk: int) -> Iterator[tuple[int, int]]:
    """[start, end) cut into consecutive ranges of at most `chunk` bytes."""
    return ((at, min(at + chunk, end)) for at in range(start, end, chunk))
