"""Accepts the notifications that the outbound queue writes, each once."""

from __future__ import annotations

from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from shared.events.mail import MailSubmitted
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import VersionConflict


class SubmittedReports:
    """Accepts a notification as a reception, so that its delivery is repeated until it is settled."""

    def __init__(self, receptions: Receptions, repeater: Repeater) -> None:
        self._receptions = receptions
        self._repeater = repeater

    async def accept(self, event: MailSubmitted, provenance: Provenance) -> bool:
        """Accept a notification; returns whether it was accepted before. Raises StoreUnavailable."""
        try:
            recorded = await self._receptions.accept(event, provenance)
        except VersionConflict:
            return True
        self._repeater.accepted(recorded, event.queue_id)
        return False
