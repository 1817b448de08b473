"""The actions `reject` and `ereject` (RFC 5429).

They keep their difference, and they exclude every action that delivers or answers the message.
"""

from __future__ import annotations

from shared.protocol.sieve.actions import (
    ErejectAction,
    FileIntoAction,
    KeepAction,
    RedirectAction,
    RejectAction,
    SieveAction,
    VacationAction,
)
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.program import RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, NodeSignature

REFUSALS = (RejectAction, ErejectAction)
_DELIVERIES = (KeepAction, FileIntoAction, RedirectAction, VacationAction)


def _reject(_scope: Scope, arguments: Arguments) -> SieveStep:
    reason = arguments.text(0)
    is_ereject = arguments.name == "ereject"

    def step(run: ScriptRun) -> None:
        text, line = as_text(reason.value(run)), arguments.place.line
        run.act(ErejectAction(text, line) if is_ereject else RejectAction(text, line))
        run.keeps_implicitly = False

    return step


def check_refusal(actions: list[SieveAction]) -> None:
    """RFC 5429 §2.3, §2.4: a refusal excludes another one and any delivery or answer. Raises RunFailed."""
    refusals = [action for action in actions if isinstance(action, REFUSALS)]
    if not refusals:
        return
    if len(refusals) > 1:
        raise RunFailed("the script rejects the message twice")
    if any(isinstance(action, _DELIVERIES) for action in actions):
        raise RunFailed("the script rejects the message and delivers or answers it too")


COMMANDS = (
    CommandDefinition(NodeSignature("reject", (STRING,), (), ("reject",)), _reject),
    CommandDefinition(NodeSignature("ereject", (STRING,), (), ("ereject",)), _reject),
)
