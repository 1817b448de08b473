"""The memory of orders: bounded, the least recently used is forgotten, and nothing stays of what is gone."""

from __future__ import annotations

import pytest

from services.mailstore.ordering.kept import KeptName, KeptOrders

_NAME = KeptName[str]("a")
_OTHER = KeptName[str]("b")


def test_the_least_recently_used_is_forgotten() -> None:
    kept = KeptOrders(10_000)
    for mailbox in ("1", "2", "3"):
        kept.keep(mailbox, _NAME, mailbox, 2500)
    assert kept.get("1", _NAME) == "1"
    kept.keep("4", _NAME, "4", 1000)
    assert [kept.get(mailbox, _NAME) for mailbox in ("1", "2", "3", "4")] == ["1", None, "3", "4"]
    assert kept.octets <= 10_000


def test_a_value_takes_the_place_of_the_earlier_one() -> None:
    kept = KeptOrders(10_000)
    for octets in (5000, 8000, 10):
        kept.keep("1", _NAME, f"{octets}", octets)
    kept.keep("1", _OTHER, "other", 20)
    assert kept.get("1", _NAME) == "10"
    assert kept.get("1", _OTHER) == "other"
    assert kept.octets < 1100


@pytest.mark.parametrize("most", [0, 5000])
def test_what_is_too_large_is_not_kept(most: int) -> None:
    """The earlier value, which lacks what the new one has, is not kept either."""
    kept = KeptOrders(most)
    kept.keep("1", _NAME, "small", 10)
    kept.keep("1", _NAME, "large", most)
    assert kept.get("1", _NAME) is None
    assert kept.octets == 0


def test_very_many_mailboxes() -> None:
    """Each takes some octets, however little is kept of it."""
    kept = KeptOrders(100_000)
    for mailbox in range(10_000):
        kept.keep(f"{mailbox}", _NAME, "", 0)
    assert kept.octets <= 100_000
    assert sum(kept.get(f"{mailbox}", _NAME) is not None for mailbox in range(10_000)) <= 200
