"""When an unsettled reception is published again."""

from __future__ import annotations

_MOST_DOUBLINGS = 30


def pause_after(repeats: int, first: float, longest: float) -> float:
    """Seconds to wait after so many repeats: doubling from `first` to `longest`."""
    return min(longest, first * float(1 << min(repeats, _MOST_DOUBLINGS)))
