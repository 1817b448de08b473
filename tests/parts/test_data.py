"""Third-party test data, read where it is: in MAILFOLD_TEST_DATA, or else in ../shared/data beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def folder() -> Path:
    """Where the data is, or would be."""
    return Path(os.environ.get("MAILFOLD_TEST_DATA") or _BESIDE)


def reason_missing() -> str | None:
    """None when the folder is there."""
    return None if folder().is_dir() else f"no test data at {folder()} (set MAILFOLD_TEST_DATA)"
