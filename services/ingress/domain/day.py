"""Days as streams are named after them."""

from __future__ import annotations

import datetime


def day_of(microseconds: int) -> str:
    """The UTC day of a moment, `2026-11-23`."""
    return datetime.datetime.fromtimestamp(microseconds / 1_000_000, datetime.UTC).strftime("%Y-%m-%d")
