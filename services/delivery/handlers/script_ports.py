"""What delivery needs for scripts beside running them: what leaves the house, and what is remembered."""

from __future__ import annotations

from typing import Protocol

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import OutwardPlan
from services.delivery.domain.script_chain import ChainState
from services.delivery.handlers.notices import FailedStep
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.routing.resolution import Target


class OutwardEffects(Protocol):
    """Plans and carries out redirects, refusals, answers and notifications. Raises what must be tried again."""

    async def steps(self, mail: AcceptedMail, recipient: Recipient, target: Target, decided: ChainState) -> OutwardPlan:
        """The outward part of what the scripts of the account have decided; nothing is done yet.

        Also the notice to the owner about a failed script, and what is remembered of duplicates (RFC 7352).
        """

    async def carry_out(self, mail: AcceptedMail, step: Step) -> FailedStep | None:
        """Carry out a step REFUSE, ANSWER, NOTIFY or REMEMBER, or a copy of what left (RFC 8580).

        Returns its failure when it can never succeed.
        """


class DuplicateMemories(Protocol):
    """What the accounts remember of messages they have had (RFC 7352)."""

    async def is_duplicate(self, account: str, memory: str) -> bool:
        """Whether an earlier message of the account has left this memory, and it has not expired."""
