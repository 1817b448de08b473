"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(microseconds: int) -> str:
    """UTC, to the millisecond."""
    return (
        datetime.fromtimestamp(microseconds / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        if microseconds
        else "-"
    )
