"""docs/sieve.md lists the differences from Pigeonhole as the comparison knows them."""

from __future__ import annotations

from pathlib import Path

from tests.interop.sieve.differences import DIFFERENCES

PAGE = Path(__file__).parents[5] / "docs" / "sieve.md"


def test_the_page_lists_the_justified_differences() -> None:
    rows = [f"| {known.section} | {known.reason} |" for known in DIFFERENCES]
    listed = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| RFC ")]
    assert listed == rows
