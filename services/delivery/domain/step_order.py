"""The order in which the steps of a recipient are carried out.

What is stored comes first, then what leaves the house, then the owner's copies of that, and last what is remembered of
a mail whose other steps have succeeded. So a mail that cannot be stored now has not been sent on, and its repeat is no
duplicate of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.delivery.domain.script_effects import SENT_COPY
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import Step

_LEAVES = frozenset({StepAction.ENQUEUE, StepAction.REFUSE, StepAction.ANSWER, StepAction.NOTIFY})


def by_recipient(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """The steps of each recipient."""
    divided: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        divided[step.recipient].append(step)
    return divided


def in_order(steps: Iterable[Step]) -> list[Sequence[Step]]:
    """The steps of a recipient in phases that are carried out one after the other; no phase is empty."""
    phases: tuple[list[Step], ...] = ([], [], [], [])
    for step in steps:
        phases[_phase_of(step)].append(step)
    return [phase for phase in phases if phase]


def _phase_of(step: Step) -> int:
    if step.action == StepAction.REMEMBER:
        return 3
    if step.rule == SENT_COPY:
        return 2
    return 1 if step.action in _LEAVES else 0
