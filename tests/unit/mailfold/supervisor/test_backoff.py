"""The pause before a crashed child is started again."""

from __future__ import annotations

from mailfold.supervisor.backoff import Backoff


def test_it_doubles_up_to_its_bound() -> None:
    backoff = Backoff(1.0, 6.0, 60.0)
    assert [backoff.after(0.0) for _ in range(5)] == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_it_begins_again_after_a_long_life() -> None:
    backoff = Backoff(1.0, 6.0, 60.0)
    assert [backoff.after(lived) for lived in (0.0, 59.9, 60.0, 1.0)] == [1.0, 2.0, 1.0, 2.0]


def test_it_never_overflows() -> None:
    backoff = Backoff(1.0, 6.0, 60.0)
    assert {backoff.after(0.0) for _ in range(3000)} == {1.0, 2.0, 4.0, 6.0}
