"""Holds receptions: while a step of a mail is a dead letter, its reception is repeated rarely."""

from __future__ import annotations

import msgspec

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.schedule import Schedule
from services.ingress.projections.receptions import HELD
from shared.grpc.call import current_provenance


class Holding:
    """Used by other services over the contract, and by the ingress itself (`shared.owner.burial.Hold`)."""

    def __init__(self, receptions: Receptions, schedule: Schedule) -> None:
        self._receptions = receptions
        self._schedule = schedule

    async def __call__(self, queue_id: str, *, held: bool, reason: str = "") -> bool:
        """Hold or resume a reception; False when the mail is settled. It is idempotent. Raises StoreUnavailable."""
        provenance = msgspec.structs.replace(current_provenance(), correlation=queue_id)
        if held:
            state = await self._receptions.hold(queue_id, reason, provenance)
            self._schedule.forget(queue_id)
        else:
            state = await self._receptions.resume(queue_id, provenance)
            if state == HELD:
                self._schedule.at_once(queue_id)
        if state is not None:
            return True
        # An unknown reception (the store was restored from an older backup) does not count as settled, because the dead
        # letter may be all that is left of its mail.
        return await self._receptions.accepted(queue_id) is None
