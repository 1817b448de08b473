"""Which mail a hold rule fits."""

from __future__ import annotations

import pytest

from services.outbound.handlers.holds import HoldRule


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("*@far.example", "bob@far.example", True),
        ("*@Far.Example", "Bob@far.example", True),
        ("*@far.example", "bob@sub.far.example", False),
        ("", "bob@far.example", True),
        ("bob@[192.0.2.1]", "bob@[192.0.2.1]", True),
        ("bob@[192.0.2.1]", "bob@1", False),
        ("b?b@far.example", "bob@far.example", False),
        ("b?b@far.example", "b?b@far.example", True),
    ],
)
def test_only_the_star_of_a_pattern_has_a_meaning(pattern: str, address: str, fits: bool) -> None:
    assert HoldRule("r1", "", pattern, "", 0).fits("ann@example.org", address) is fits
    assert HoldRule("r1", pattern, "", "", 0).fits(address, "eve@far.example") is fits
