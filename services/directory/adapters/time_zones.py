"""The IANA time zone database of this machine (Debian: the package tzdata)."""

from __future__ import annotations

import re
import zoneinfo

_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Z][A-Za-z0-9_+-]{0,31}){0,2}", re.ASCII)
"""The form of its names; other files of the folder, such as `posixrules` or `right/UTC`, do not have it."""


def is_time_zone(name: str) -> bool:
    """Whether the database has this name, in this case."""
    if _NAME.fullmatch(name) is None:
        return False
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
