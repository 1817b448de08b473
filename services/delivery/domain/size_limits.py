"""Returns a message to its sender for those accounts that take none of its size."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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


def _within(step: Step, octets: int, limit_of: Callable[[Address], int]) -> Step:
    if step.action != StepAction.STORE or step.blob:
        return step
    limit = limit_of(parse_address(step.address))
    if not limit or octets <= limit:
        return step
    reason = f"the mailbox takes no message larger than {limit} octets"
    return Step(step.recipient, step.index, StepAction.BOUNCE, address=step.address, reason=reason, rule=TOO_LARGE)
