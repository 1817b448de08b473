"""The layouts and databases in which an end-to-end test runs.

A test that is marked `all_layouts` runs in all four, because it shows a flow of mail, or because what it shows depends
on the processes or on the database. Another test runs in one, which its name chooses, so that the tests of an area are
spread over all; `MAILFOLD_TEST_LAYOUTS=all` runs all tests in all four.
"""

from __future__ import annotations

import os
from zlib import crc32

LAYOUTS = ("small-sqlite", "split-sqlite", "small-postgres", "split-postgres")


def layouts_of(test: str, *, everywhere: bool) -> tuple[str, ...]:
    """The layouts for a test of this name; every run chooses the same."""
    if everywhere or os.environ.get("MAILFOLD_TEST_LAYOUTS") == "all":
        return LAYOUTS
    return (LAYOUTS[crc32(test.encode()) % len(LAYOUTS)],)
