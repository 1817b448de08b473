"""The schedule of recent receptions: pauses that double, bounded memory, and the earliest first."""

from __future__ import annotations

import pytest

from services.ingress.handlers.schedule import Schedule


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(clock: Clock) -> Schedule:
    return Schedule(10.0, 100.0, 3, clock)


def due(schedule: Schedule) -> list[str]:
    """All receptions that are due now, in order."""
    result = []
    while (queue_id := schedule.take()) is not None:
        result.append(queue_id)
    return result


def test_pauses_double_and_the_longest_ends_its_youth(schedule: Schedule, clock: Clock) -> None:
    schedule.begin("q1")
    pauses = []
    while "q1" in schedule:
        schedule.published("q1")
        pause = schedule.pause()
        if pause is not None:
            pauses.append(pause)
            clock.now += pause
            assert due(schedule) == ["q1"]
    assert pauses == [10.0, 20.0, 40.0, 80.0]
    assert len(schedule) == 0


def test_memory_is_bounded_and_a_place_comes_back(schedule: Schedule) -> None:
    assert [schedule.begin(f"q{number}") for number in range(5)] == [True, True, True, False, False]
    assert not schedule.at_once("q9")
    assert schedule.at_once("q0")
    schedule.forget("q1")
    assert schedule.at_once("q9")
    assert len(schedule) == 3


def test_what_is_due_first_comes_first(schedule: Schedule, clock: Clock) -> None:
    schedule.begin("old")
    schedule.published("old")
    clock.now += 9
    schedule.at_once("new")
    clock.now += 9
    schedule.at_once("newest")
    assert due(schedule) == ["new", "old", "newest"]


def test_nothing_is_due_twice(schedule: Schedule) -> None:
    schedule.at_once("q1")
    schedule.at_once("q1")
    assert due(schedule) == ["q1"]
    assert schedule.pause() is None


def test_what_was_settled_is_due_no_more(schedule: Schedule, clock: Clock) -> None:
    schedule.begin("q1")
    schedule.published("q1")
    schedule.forget("q1")
    clock.now += 1000
    assert (due(schedule), schedule.pause()) == ([], None)
    schedule.published("q1")  # a publish that was in progress
    assert "q1" not in schedule


def test_repeats_are_counted(schedule: Schedule) -> None:
    schedule.begin("q1")
    assert schedule.repeats("q1") == 0
    schedule.published("q1")
    schedule.published("q1")
    assert (schedule.repeats("q1"), schedule.repeats("unknown")) == (2, 0)


def test_something_due_earlier_wakes_who_waits(schedule: Schedule) -> None:
    schedule.begin("q1")
    schedule.published("q1")
    schedule.changed.clear()
    schedule.begin("q2")
    schedule.published("q2")
    assert not schedule.changed.is_set()
    schedule.at_once("q3")
    assert schedule.changed.is_set()
