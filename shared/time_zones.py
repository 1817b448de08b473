"""The IANA time zone database of this machine (Debian: the package tzdata)."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, tzinfo

_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Z][A-Za-z0-9_+-]{0,31}){0,2}", re.ASCII)
"""The form of its names; other files of the folder, such as `posixrules` or `right/UTC`, do not have it."""


def is_time_zone(name: str) -> bool:
    """Whether the database has this name, in this case."""
    return _zone(name) is not None


def zone_of(name: str) -> tzinfo:
    """The time zone with this name; UTC for no name, and for a name that this machine does not know."""
    return _zone(name) or UTC


def _zone(name: str) -> tzinfo | None:
    if _NAME.fullmatch(name) is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
