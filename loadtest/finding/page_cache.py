"""Drops the page cache of the system (Linux: admin-guide/sysctl/vm), so that files are read from the disk."""

from __future__ import annotations

import os
from pathlib import Path

_SWITCH = Path("/proc/sys/vm/drop_caches")


def reason_missing() -> str | None:
    """The reason why it cannot be dropped; None when it can."""
    return None if os.access(_SWITCH, os.W_OK) and os.geteuid() == 0 else "only root may drop the page cache"


def drop() -> None:
    """Write what is changed, and forget what is cached. Raises OSError."""
    os.sync()
    _SWITCH.write_text("3\n", "ascii")
