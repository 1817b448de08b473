"""How many messages a worker requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.credit import Credit


def test_it_asks_for_all_at_first_and_then_in_lumps() -> None:
    credit = Credit(8)
    assert credit.take() == 8
    credit.arrived()
    credit.finished()
    assert credit.take() == 0
    credit.arrived()
    credit.finished()
    assert credit.take() == 2


def test_it_asks_for_one_when_nothing_is_asked_for() -> None:
    credit = Credit(8)
    credit.take()
    for _ in range(8):
        credit.arrived()
    assert credit.take() == 0
    credit.finished()
    assert credit.take() == 1


def test_what_a_request_did_not_bring_is_asked_for_again() -> None:
    credit = Credit(4)
    credit.take()
    credit.returned(4)
    assert credit.take() == 4


@given(st.integers(1, 40), st.lists(st.sampled_from("afrt"), max_size=300))
def test_never_more_than_can_begin_at_once(concurrency: int, steps: list[str]) -> None:
    credit, running = Credit(concurrency), 0
    for step in steps:
        if step == "a" and credit.asked:
            credit.arrived()
            running += 1
        elif step == "f" and running:
            credit.finished()
            running -= 1
        elif step == "r":
            credit.returned(1)
        else:
            credit.take()
        assert 0 <= credit.asked + running <= concurrency
