"""Returns a message to its sender for those accounts that take none of its size; a list leaves such members out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from services.delivery.domain.plan import StepAction
from shared.events.delivery import Step
from shared.protocol.address.address import Address, parse_address

TOO_LARGE = "5.2.3"
"""Message length exceeds administrative limit (RFC 3463 §3.3)."""


def within_limits(steps: Iterable[Step], octets: int, limit_of: Callable[[Address], int]) -> tuple[Step, ...]:
    """The steps of a plan; a copy for an account whose limit (0: none) is smaller than the message is a refusal.

    The copies that the server writes itself, such as notifications, have a blob of their own and no limit.
    """
    return tuple(_within(step, octets, limit_of) for step in steps)


def within_limits_of_members(
    steps: Iterable[Step], octets: int, limit_of: Callable[[Address], int]
) -> tuple[Step, ...]:
    """The steps for members of a list; a copy that is larger than the limit (0: none) of its account is left out.

    Nobody gets a report, because the author must not learn who the members are, and the member's address works.
    """
    return tuple(_left_out(step, limit) if (limit := _passed(step, octets, limit_of)) else step for step in steps)


def _within(step: Step, octets: int, limit_of: Callable[[Address], int]) -> Step:
    limit = 0 if step.blob else _passed(step, octets, limit_of)
    if not limit:
        return step
    return Step(
        step.recipient, step.index, StepAction.BOUNCE, address=step.address, reason=_reason(limit), rule=TOO_LARGE
    )


def _left_out(step: Step, limit: int) -> Step:
    return msgspec.structs.replace(step, action=StepAction.DISCARD, reason=_reason(limit), rule=TOO_LARGE)


def _passed(step: Step, octets: int, limit_of: Callable[[Address], int]) -> int:
    """The limit that a copy for an account exceeds; 0: none."""
    limit = limit_of(parse_address(step.address)) if step.action == StepAction.STORE else 0
    return limit if octets > limit else 0


def _reason(limit: int) -> str:
    return f"the mailbox takes no message larger than {limit} octets"
