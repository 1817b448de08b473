"""The record of a mail's delivery, computed from its events."""

from __future__ import annotations

from services.delivery.handlers.record import DeliveryRecord, outcomes_of, record_of
from shared.events.delivery import DeliveryBounced, DeliveryPlanned, DeliverySettled, Step
from shared.events.mail import Outcome
from shared.eventstore.event import Actor, Event, Provenance, Recorded

FIRST, SECOND = Step("a@x", 0, "store"), Step("b@x", 1, "store")
NOTICE = Step("a@x", 2, "store", blob="g0001/n")
PLANNED = DeliveryPlanned("q1", (FIRST, SECOND))


def fold(*events: Event) -> DeliveryRecord:
    return record_of(
        [
            Recorded(0, number, "q1", number, 0, Provenance(Actor("system")), event)
            for number, event in enumerate(events, 1)
        ]
    )


def test_nothing_is_known_at_first() -> None:
    assert fold() == DeliveryRecord()


def test_a_plan_is_what_is_to_be_done() -> None:
    record = fold(PLANNED)
    assert (record.planned, record.steps, record.next_index, record.settled) == (True, (FIRST, SECOND), 2, None)


def test_an_empty_plan_is_a_plan() -> None:
    assert fold(DeliveryPlanned("q1", ())).planned


def test_a_bounce_puts_its_steps_in_the_place_of_one() -> None:
    bounced = DeliveryBounced("q1", "a@x", 0, "full", "5.2.2", (NOTICE,))
    record = fold(PLANNED, bounced)
    assert (record.steps, record.bounced, record.next_index) == ((SECOND, NOTICE), (bounced,), 3)


def test_indexes_are_never_given_twice() -> None:
    last = DeliveryBounced("q1", "a@x", 2, "gone", "5.1.1")
    record = fold(PLANNED, DeliveryBounced("q1", "a@x", 0, "full", "5.2.2", (NOTICE,)), last)
    assert (record.steps, record.next_index, len(record.bounced)) == ((SECOND,), 3, 2)


def test_settled_is_the_end() -> None:
    outcomes = (Outcome("a@x", "delivered"),)
    assert fold(PLANNED, DeliverySettled("q1", outcomes)).settled == outcomes


def test_outcomes_of_many_recipients() -> None:
    """Each step is examined once, however many recipients there are."""
    looked_at: list[int] = []

    class Counted(Step, frozen=True):
        @property
        def blob(self) -> str:  # type: ignore[override]
            looked_at.append(self.index)
            return ""

    names = [f"u{number}@x" for number in range(1000)]
    record = DeliveryRecord(True, tuple(Counted(name, number, "store") for number, name in enumerate(names)))
    assert outcomes_of(names, record) == tuple(Outcome(name, "delivered") for name in names)
    assert looked_at == list(range(1000))


def test_what_became_of_each_recipient() -> None:
    steps = (FIRST, Step("a@x", 1, "discard"), Step("c@x", 2, "enqueue"), Step("d@x", 3, "discard"), NOTICE)
    full = DeliveryBounced("q1", "b@x", 4, "full", "5.2.2")
    record = DeliveryRecord(True, steps, (full, DeliveryBounced("q1", "b@x", 5, "gone", "5.1.1")))
    assert outcomes_of(["a@x", "b@x", "c@x", "d@x", "e@x"], record) == (
        Outcome("a@x", "delivered"),
        Outcome("b@x", "bounced", "5.2.2 full"),
        Outcome("c@x", "queued"),
        Outcome("d@x", "discarded"),
        Outcome("e@x", "discarded"),
    )


def test_a_mail_that_a_script_has_refused_is_refused() -> None:
    refused = Step("a@x", 0, "refuse", blob="g0001/n")
    assert outcomes_of(["a@x"], fold(DeliveryPlanned("q1", (refused,)))) == (Outcome("a@x", "refused"),)
