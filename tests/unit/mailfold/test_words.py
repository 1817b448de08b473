"""Sizes and times that people write on the command line."""

from __future__ import annotations

import pytest

from mailfold.commands.limits import octets as octets_of
from mailfold.operator.failure import CommandFailed
from mailfold.texts import since

NOW = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("text", "octets"), [("0", 0), ("500M", 500 * 1024**2), ("2g", 2 * 1024**3), ("10 KiB", 10240), ("7b", 7)]
)
def test_sizes(text: str, octets: int) -> None:
    assert octets_of(text) == octets


@pytest.mark.parametrize("text", ["", "2 pounds", "-1", "1.5G"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        octets_of(text)
    assert failed.value.code == 2


def test_times_ago() -> None:
    assert since("10m", NOW) == NOW - 600_000_000
    assert since(" 1d ", NOW) == NOW - 86_400_000_000


def test_times_of_the_calendar() -> None:
    assert since("2023-11-14T22:13:20", NOW) == NOW
    assert since("2023-11-14T23:13:20+01:00", NOW) == NOW


def test_what_is_no_time() -> None:
    with pytest.raises(CommandFailed):
        since("yesterday", NOW)
