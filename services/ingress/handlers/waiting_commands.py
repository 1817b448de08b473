"""The operator's commands on waiting submissions: release and cancel, for all that fit a filter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from services.ingress.domain.waiting_filter import WaitingSelection
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.releaser import Releaser
from services.ingress.handlers.waiting import WaitingSubmissions
from shared.events.mail import MailCancelled, MailReleased, MailSubmitted
from shared.events.suspended import SubmissionSuspended
from shared.eventstore.event import Provenance

_PAGE = 100
_NAMED = 1_000
"""Queue ids that a reply names at most."""


class Whereabouts(NamedTuple):
    """Why a mail does not wait."""

    queue_id: str
    state: str
    """`unknown`, `released`, `cancelled`, `delivered at once`, `suspended`; `waiting` when another field of the filter
    does not fit."""
    at: int = 0
    actor: str = ""


class WaitingChange(NamedTuple):
    """The effect of a command."""

    changed: int
    queue_ids: tuple[str, ...]
    not_waiting: tuple[Whereabouts, ...]


class WaitingCommands:
    """Carries out commands, a page at a time, so that mail that is being accepted hardly waits."""

    def __init__(self, waiting: WaitingSubmissions, releaser: Releaser, receptions: Receptions) -> None:
        self._waiting = waiting
        self._releaser = releaser
        self._receptions = receptions

    async def release(self, selection: WaitingSelection, provenance: Provenance) -> WaitingChange:
        """Release mail before its time. Raises StoreUnavailable."""
        return await self._change(selection, lambda page: self._releaser.release(page, provenance))

    async def cancel(self, selection: WaitingSelection, reason: str, provenance: Provenance) -> WaitingChange:
        """Take mail back; nobody gets it, and nobody is notified. Raises StoreUnavailable."""
        return await self._change(selection, lambda page: self._waiting.cancel(page, reason, provenance))

    async def _change(
        self, selection: WaitingSelection, change: Callable[[Sequence[str]], Awaitable[list[str]]]
    ) -> WaitingChange:
        changed, named, after = 0, list[str](), ""
        while page := await self._waiting.page(selection, after, _PAGE):
            ended = await change([row.queue_id for row in page])
            changed += len(ended)
            named += ended[: _NAMED - len(named)]
            after = page[-1].queue_id
        others = dict.fromkeys(selection.ids)
        for queue_id in named:
            others.pop(queue_id, None)
        return WaitingChange(changed, tuple(named), tuple([await self._whereabouts(queue_id) for queue_id in others]))

    async def _whereabouts(self, queue_id: str) -> Whereabouts:
        """What became of a mail that a command did not change."""
        history = await self._receptions.history(queue_id)
        if history and isinstance(history[-1].event, SubmissionSuspended):
            return Whereabouts(queue_id, "suspended", history[-1].at)
        for recorded in history:
            actor = recorded.provenance.actor
            if isinstance(recorded.event, MailCancelled):
                return Whereabouts(queue_id, "cancelled", recorded.at, actor.id or actor.kind)
            if isinstance(recorded.event, MailReleased):
                return Whereabouts(queue_id, "released", recorded.at, actor.id or actor.kind)
        if history and isinstance(history[0].event, MailSubmitted) and history[0].event.release_at:
            return Whereabouts(queue_id, "waiting", history[0].at)  # it does not fit the other fields of the filter
        return (
            Whereabouts(queue_id, "delivered at once", history[0].at) if history else Whereabouts(queue_id, "unknown")
        )
