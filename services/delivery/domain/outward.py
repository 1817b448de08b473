"""What leaves the house for a script: the steps, and what of it must be decided about accounts here."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.delivery.domain.script_chain import AS_ACCEPTED, MessageForm
from shared.events.delivery import Step
from shared.routing.resolution import Target


class LocalRedirect(NamedTuple):
    """A redirect to an account or list here, which gets the mail like another target of the recipient."""

    address: str
    """The address that the script names."""
    target: Target
    form: MessageForm = AS_ACCEPTED
    rule: str = ""


class OutwardPlan(msgspec.Struct, frozen=True):
    """The outward part of what the scripts of an account have decided."""

    steps: tuple[Step, ...] = ()
    """ENQUEUE, REFUSE, ANSWER, NOTIFY and REMEMBER, not numbered."""
    local: tuple[LocalRedirect, ...] = ()
    keeps: bool = False
    """Whether the mail is kept, because an action that had cancelled the implicit keep is not done."""
    reason: str = ""
    """Why it is not done, for the plan."""


NOTHING_LEAVES = OutwardPlan()
