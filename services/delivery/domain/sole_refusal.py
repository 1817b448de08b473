"""Whether what the scripts decide about a mail can be said to its client before the mail is accepted.

A refusal in the SMTP dialogue ends the mail, so it must be all that the scripts want (RFC 5429 §2.1.1): a mail that is
also stored, sent on, answered, notified or remembered is accepted, and its refusal becomes a report.
"""

from __future__ import annotations

import msgspec

from services.delivery.domain.script_chain import ChainState, ScriptDecision
from shared.protocol.sieve.actions import DiscardAction, ErejectAction, RejectAction


class SoleRefusal(msgspec.Struct, frozen=True):
    """The refusal of a mail by a script; `kind` is the name of the action."""

    kind: str
    reason: str
    script: str
    line: int


def sole_refusal(decided: ChainState) -> SoleRefusal | None:
    """The refusal, when the scripts want nothing else and none of them has failed.

    The owner of a failed script is told about it at the delivery of the mail.
    """
    decisions = [decision for decision in decided.decisions if not isinstance(decision.action, DiscardAction)]
    if decided.keep is not None or decided.failures or len(decisions) != 1:
        return None
    return _refusal(decisions[0])


def _refusal(decision: ScriptDecision) -> SoleRefusal | None:
    action = decision.action
    if isinstance(action, ErejectAction):
        return SoleRefusal("ereject", action.reason, decision.script, action.line)
    if isinstance(action, RejectAction):
        return SoleRefusal("reject", action.reason, decision.script, action.line)
    return None
