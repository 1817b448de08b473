"""CPU by step: a stack counts for the step that its innermost known frame names, and no sample is lost or counted
twice."""

from __future__ import annotations

from collections import Counter

import pytest

from loadtest.measure.steps import REST, STEPS, by_step, step_of
from loadtest.meter.stacks import stacks

_START = "run (asyncio/runners.py:118);write (/srv/mail/services/mailstore/handlers/messages.py:40)"
RAW = f"""\
{_START};append (/srv/mail/shared/eventstore/transaction.py:9) 30
{_START};<lambda> (/srv/mail/services/mailstore/handlers/messages.py:41) 50
run (asyncio/runners.py:118) 20
not a sample
"""


def test_lines_become_files() -> None:
    assert stacks(RAW)[("asyncio/runners.py",)] == 20
    assert stacks(RAW).total() == 100


def test_the_innermost_room_counts() -> None:
    names = Counter({step_of(stack).name: count for stack, count in stacks(RAW).items()})
    assert names == {"events, relay, bus": 30, "store and notify": 50, REST.name: 20}


def test_a_room_counts_for_the_first_step_that_names_it() -> None:
    assert step_of(("x/services/ingress/handlers/checks.py",)).name == "SPF, DKIM, DMARC"
    assert step_of(("x/services/ingress/handlers/repeater.py",)).name == "events, relay, bus"


def test_milliseconds_are_divided_whole() -> None:
    costs = by_step({"core": 2.0, "nats-server": 0.5}, {"core": stacks(RAW)})
    assert sum(sum(cost.cpu_ms.values()) for cost in costs) == pytest.approx(2.5)
    assert {cost.step: cost.cpu_ms for cost in costs}["events, relay, bus"] == {"core": 0.6, "nats-server": 0.5}
    assert [cost.step for cost in costs] == [*(step.name for step in STEPS), REST.name]
