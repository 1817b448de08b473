"""The steps that a plan would have for what scripts have decided, without the effects that need the world."""

from __future__ import annotations

from collections.abc import Collection

from services.delivery.domain.account_runs import AccountTarget
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import OutwardPlan
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.domain.script_effects import may_be_refused
from services.delivery.domain.script_steps import MailboxNames, run_of
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.sieve.actions import ErejectAction, RedirectAction, RejectAction
from shared.routing.resolution import Target

_KEPT_INSTEAD = "a refusal would reach somebody who has not sent this mail, so it is kept"


def simulated_steps(
    mail: AcceptedMail,
    own: Step,
    decided: ChainState,
    names: MailboxNames,
    addresses: Collection[str] = (),
) -> tuple[Step, ...]:
    """The steps of an account, never none.

    `own` is a step that the mail has had for the account; `addresses` are those of the account, to which a redirect
    keeps the mail. `names` has the mailboxes into which the scripts file, and that of \\Junk if there is one.
    """
    refusals = [decision for decision in decided.decisions if isinstance(decision.action, RejectAction | ErejectAction)]
    redirects = [decision for decision in decided.decisions if isinstance(decision.action, RedirectAction)]
    is_kept_instead = bool(refusals) and not may_be_refused(mail, own.account)
    left = [decision for decision in redirects if _address(decision).lower() not in addresses]
    steps = [_step(own, StepAction.ENQUEUE, decision, _address(decision)) for decision in left]
    steps += [_step(own, StepAction.REFUSE, decision, own.address) for decision in refusals if not is_kept_instead]
    outward = OutwardPlan(
        tuple(steps),
        keeps=is_kept_instead or len(left) < len(redirects),
        reason=_KEPT_INSTEAD if is_kept_instead else "",
    )
    got = AccountTarget(Recipient(own.recipient), Target(own.address, account=own.account), own.recipient)
    return run_of(got, decided, names, outward, is_spam=mail.is_spam_for(own.account)).steps


def _address(decision: ScriptDecision) -> str:
    action = decision.action
    assert isinstance(action, RedirectAction)
    return action.list_name or action.address


def _step(own: Step, action: StepAction, decision: ScriptDecision, address: str) -> Step:
    return Step(
        own.recipient,
        0,
        action,
        account=own.account,
        address=address,
        rule=f"{decision.rule}: {action}",
        line=decision.action.line,
    )
