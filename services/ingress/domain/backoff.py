"""Growing pauses: between two repeats of a reception, and before replies to who guesses recipients."""

from __future__ import annotations

_MOST_DOUBLINGS = 30
_LONGEST_REPLY = 5.0
"""Seconds: far below the 5 minutes that a client waits for the reply to RCPT (RFC 5321 section 4.5.3.2.3)."""


def pause_after(repeats: int, first: float, longest: float) -> float:
    """Seconds to wait after so many repeats: doubling from `first` to `longest`."""
    return min(longest, first * float(1 << min(repeats, _MOST_DOUBLINGS)))


def pause_before_refusal(refusals: int, step: float) -> float:
    """Seconds to wait with the reply to the last of so many refused recipients."""
    return min(_LONGEST_REPLY, refusals * step)
