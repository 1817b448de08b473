"""Every section of an RFC is cited in one style: `RFC 5321 §4.5.3.2`, or `§4.5.3.2` where the RFC is named before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

TEXTS = {".py", ".md", ".proto", ".txt"}
ROOMS = ("shared", "services", "mailfold", "loadtest", "tests/dialogs", "proto", "docs")
OTHER_STYLES = re.compile(
    r"RFC\s+\d+,?\s+(?:section|sections|sec\.|§\s)"  # RFC 5321 section 6.3
    r"|RFC\s+\d+,?\s+\d+\.\d"  # RFC 5321 6.3
    r"|RFC\d+\s+§"  # RFC5321 §6.3
    r"|[(\s]sections?\s+\d+\.\d",  # (section 6.3)
    re.IGNORECASE,
)


def texts() -> Iterator[Path]:
    """Every file that cites standards; shared/rpc is generated from proto/."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in TEXTS and not path.is_relative_to(ROOT / "shared/rpc"):
                yield path


def test_sections_are_cited_in_one_style() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in texts()
        for match in OTHER_STYLES.finditer(path.read_text("utf-8", "surrogateescape"))
    ] == []


@pytest.mark.parametrize(
    "text", ["RFC 5321 section 6.3", "RFC 5321 6.3", "RFC 5321, section 6.3", "(section 6.3)", "RFC 3501\n  6.4.5"]
)
def test_other_styles_are_noticed(text: str) -> None:
    assert OTHER_STYLES.search(text)


@pytest.mark.parametrize("text", ["RFC 5321 §6.3", "§6.3", "RFC 3501, RFC 9051", "RFC 5321: 100 recipients"])
def test_the_style_is_allowed(text: str) -> None:
    assert not OTHER_STYLES.search(text)
