"""Clients take turns, so that a flood of one client does not delay the others."""

from __future__ import annotations

from services.directory.domain.fair_queue import FairQueue


def test_clients_take_turns_and_each_keeps_its_order() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        assert queue.put(item[0], item) is None
    assert [queue.take() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]
    assert len(queue) == 0


def test_a_flood_displaces_its_own() -> None:
    """A thousand attempts of one client wait before one of another client, which is served second and not lost."""
    queue: FairQueue[str] = FairQueue(10)
    displaced = [queue.put("flood", f"flood {number}") for number in range(1000)]
    assert displaced == [None] * 10 + [f"flood {number}" for number in range(10, 1000)]
    assert queue.put("honest", "honest") == "flood 9"
    assert [queue.take(), queue.take()] == ["flood 0", "honest"]
    assert len(queue) == 8


def test_nothing_is_kept_of_clients_that_wait_no_more() -> None:
    queue: FairQueue[int] = FairQueue(10)
    for number in range(100):
        queue.put(str(number), number)
        queue.take()
    assert not queue._waiting
