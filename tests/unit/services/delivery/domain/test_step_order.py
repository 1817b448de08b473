"""Storage first, then what leaves, and last what is remembered."""

from __future__ import annotations

from services.delivery.domain.step_order import by_recipient, in_order
from shared.events.delivery import Step


def steps(*actions: str) -> list[Step]:
    return [Step("ann@example.org", index, action) for index, action in enumerate(actions)]


def test_what_is_stored_comes_before_what_leaves() -> None:
    phases = in_order(steps("remember", "enqueue", "store", "answer", "discard", "refuse", "notify", "store"))
    assert [[step.action for step in phase] for phase in phases] == [
        ["store", "discard", "store"],
        ["enqueue", "answer", "refuse", "notify"],
        ["remember"],
    ]


def test_there_are_no_empty_phases() -> None:
    assert [len(phase) for phase in in_order(steps("enqueue", "enqueue"))] == [2]
    assert in_order([]) == []


def test_each_recipient_has_an_order_of_its_own() -> None:
    divided = by_recipient([Step("a", 0, "store"), Step("b", 1, "store"), Step("a", 2, "enqueue")])
    assert {name: [step.index for step in own] for name, own in divided.items()} == {"a": [0, 2], "b": [1]}


def test_a_copy_of_what_was_sent_comes_after_it() -> None:
    copy = Step("ann@example.org", 9, "store", rule="fcc")
    phases = in_order([*steps("remember", "answer", "store"), copy])
    assert [[step.index for step in phase] for phase in phases] == [[2], [1], [9], [0]]
