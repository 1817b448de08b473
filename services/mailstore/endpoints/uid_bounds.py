"""Reads ranges of UIDs from the bounds in a request."""

from __future__ import annotations

from shared.grpc.errors import Invalid
from shared.protocol.imap.ranges import Ranges

MOST_RANGES = 1000
"""Ranges of UIDs in one request."""


def ranges_of(bounds: list[int]) -> Ranges:
    """Ascending ranges from their bounds; none without any. Raises Invalid."""
    firsts, lasts = bounds[::2], bounds[1::2]
    is_ascending = all(last < first for last, first in zip(lasts, firsts[1:], strict=False))
    is_complete = len(firsts) == len(lasts) and all(map(int.__le__, firsts, lasts))
    if not (is_ascending and is_complete and len(firsts) <= MOST_RANGES):
        raise Invalid(f"the UIDs are not at most {MOST_RANGES} ascending ranges", "invalid")
    return tuple(zip(firsts, lasts, strict=True))
