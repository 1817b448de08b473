"""Mails that should have been settled long ago, in the form in which the operator sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.ingress.handlers.receptions import Receptions
from services.ingress.projections.receptions import HELD, MOVING
from shared.background import moment
from shared.clock import Clock

_ADVICE = {
    MOVING: ("is on its way", "`mailfold trace {}` shows how far it came; it is tried again by itself"),
    HELD: ("is held", "`mailfold deadletters list` shows why, `mailfold deadletters retry --all` repeats the steps"),
}


async def stuck_mails(receptions: Receptions, clock: Clock, patience: float) -> AsyncIterator[tuple[str, str]]:
    """The oldest mail of each state that has waited longer than `patience` seconds, with advice."""
    for state, (says, advice) in _ADVICE.items():
        oldest = await receptions.oldest(state)
        if oldest is None:
            continue
        queue_id, at = oldest
        age = (clock.now() - at) / 1_000_000
        if age > patience:
            yield f"mail {queue_id} {says} since {moment(age)}", advice.format(queue_id)
