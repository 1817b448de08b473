"""The row of a plan names every message that is still to be handed over, so that no sweep removes it."""

from __future__ import annotations

import sqlalchemy

from services.delivery.projections.plans import PlanProjection, decode_steps
from shared.events.delivery import DeliveryListExpanded, DeliveryPlanned, Step
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.scratch import scratch

LIST = "devs@example.org"
BY = Provenance(Actor("service", "delivery"))


def test_the_messages_that_scripts_of_members_have_made_are_kept() -> None:
    steps = (
        Step(LIST, 1, "store", account="a1", edited="g/edited"),
        Step(LIST, 2, "notify", account="a1", blob="g/notice"),
        Step(LIST, 3, "store", account="a2"),
    )
    part = DeliveryListExpanded("q1", LIST, "i1", LIST, 0, steps, b"", "n1", True, "g/list", 5)
    planned = DeliveryPlanned("q1", (Step(LIST, 0, "list", list_id="i1"),), ())
    projection = PlanProjection(sqlalchemy.MetaData())
    with scratch([projection], None) as tables:
        for version, event in enumerate((planned, part), 1):
            projection.apply(tables, Recorded(0, version, "q1", version, 1, BY, event))
        row = tables.first_row("SELECT steps FROM plan")
    assert row is not None
    assert [step.blob for step in decode_steps(bytes(row[0]))] == ["", "g/list", "g/edited", "g/notice"]
