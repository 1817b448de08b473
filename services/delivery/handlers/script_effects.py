"""Plans and carries out what leaves the house because of a script.

Everything is decided, built and stored before the first effect. A step is then carried out as often as its mail is
repeated, and has its effect once: by the memory that names it, and by the queue id of what it hands over.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.outward import NOTHING_LEAVES, OutwardPlan
from services.delivery.domain.plan import StepAction
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.domain.script_effects import (
    DUPLICATE,
    DUPLICATE_LAST,
    DUPLICATE_SECONDS,
    SENT_COPY,
    may_be_refused,
    replaces_keep,
)
from services.delivery.handlers.notices import FailedStep
from services.delivery.handlers.script_mails import ScriptMails
from services.delivery.handlers.script_memories import Holder, MemoryKind, ScriptMemories
from services.delivery.handlers.script_notices import ScriptNotices
from services.delivery.handlers.script_redirects import PlannedRedirects, ScriptRedirects
from services.delivery.handlers.script_refusals import ScriptRefusals
from services.delivery.handlers.script_replies import ScriptReplies
from services.delivery.handlers.sent_copies import SentCopies
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.eventstore.event import Actor, Provenance
from shared.grpc.call import acting
from shared.protocol.sieve.actions import (
    ErejectAction,
    NotifyAction,
    RejectAction,
    TrackDuplicateAction,
    VacationAction,
)
from shared.routing.resolution import Target

log = structlog.get_logger("sieve")
_ACTOR = Actor("service", "delivery")


class ScriptEffects:
    """The effects. Every method raises BlobError, ServiceError or StoreUnavailable for what must be tried again."""

    def __init__(
        self,
        memories: ScriptMemories,
        mails: ScriptMails,
        redirects: ScriptRedirects,
        answers: ScriptReplies,
        copies: SentCopies,
    ) -> None:
        self._memories = memories
        self._mails = mails
        self._redirects = redirects
        self._answers = answers
        self._copies = copies
        self._refusals = ScriptRefusals(mails)
        self._notices = ScriptNotices(memories, mails)

    async def steps(self, mail: AcceptedMail, recipient: Recipient, target: Target, decided: ChainState) -> OutwardPlan:
        """The outward part of what the scripts of an account have decided; nothing is done yet."""
        if not decided.decisions and not decided.failures:
            return NOTHING_LEAVES
        redirects = await self._redirects.plan(mail, recipient, target, decided.decisions)
        refused_mail, refuses = await self._refusal(mail, recipient, target, decided)
        keeps = refuses is False or _redirect_keeps(decided, redirects)
        steps = [*redirects.steps, *refused_mail]
        for decision in decided.decisions:
            steps += await self._answering(mail, recipient, target, decision)
        if redirects.refused:
            first = redirects.refused[0]
            steps += await self._notices.of_redirect(mail, recipient, target, first, keeps=keeps)
        for failed in decided.failures:
            log.info("sieve.script_failed", queue_id=mail.queue_id, account=target.account, script=failed.script)
            if failed.is_owners:
                steps += await self._notices.of_failure(mail, recipient, target, failed)
        steps += _remembering(recipient, target, decided.decisions)
        return OutwardPlan(tuple(steps), redirects.local, keeps, _reason(redirects, refuses))

    async def carry_out(self, mail: AcceptedMail, step: Step) -> FailedStep | None:
        """Carry out a step REFUSE, ANSWER, NOTIFY or REMEMBER, or a copy of what left. It has its effect once."""
        holder = Holder(mail.queue_id, step.index)
        match StepAction(step.action):
            case StepAction.REMEMBER:
                anew = step.rule == DUPLICATE_LAST
                await self._memories.remember(step.account, step.memory, step.memory_seconds, holder, anew=anew)
            case StepAction.ANSWER if await self._is_free(step, MemoryKind.VACATION, holder):
                await self._hand_over(step)
            case StepAction.NOTIFY if await self._is_free(step, MemoryKind.NOTICE, holder):
                await self._hand_over(step)
            case StepAction.REFUSE if step.generated:
                await self._hand_over(step)
            case StepAction.STORE if step.rule == SENT_COPY:
                await self._copies.store(mail.queue_id, step)
            case _:
                pass
        return None

    async def _is_free(self, step: Step, kind: MemoryKind, holder: Holder) -> bool:
        """Whether this step may have its effect: the memory is its own, or it needs none."""
        if not step.memory or not step.memory_seconds:
            return True
        return await self._memories.claim(step.account, kind, step.memory, step.memory_seconds, holder)

    async def _hand_over(self, step: Step) -> None:
        with acting(Provenance(_ACTOR, correlation=step.generated)):
            await self._mails.hand_over(step)

    async def _refusal(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, decided: ChainState
    ) -> tuple[Sequence[Step], bool | None]:
        """The step of a refusal, or of the notice about one that is not done; whether it is done, None: no refusal."""
        for decision in decided.decisions:
            if isinstance(decision.action, RejectAction | ErejectAction):
                if may_be_refused(mail, target.account):
                    return [await self._refusals.step(mail, recipient, target, decision)], True
                return await self._notices.of_refusal(mail, recipient, target, decision), False
        return (), None

    async def _answering(
        self, mail: AcceptedMail, recipient: Recipient, target: Target, decision: ScriptDecision
    ) -> Sequence[Step]:
        """The steps of a vacation response or of a notification."""
        match decision.action:
            case VacationAction():
                return await self._answers.vacation(mail, recipient, target, decision)
            case NotifyAction():
                steps, is_whole = await self._answers.notifications(mail, recipient, target, decision)
                notice = () if is_whole else await self._notices.of_notify(mail, recipient, target, decision)
                return (*steps, *notice)
            case _:
                return ()


def _redirect_keeps(decided: ChainState, redirects: PlannedRedirects) -> bool:
    """Whether the mail stays because of redirects: one is to the account itself, or one that is not done had replaced
    the keep, and nothing that is done replaces it (RFC 5228 §4.2)."""
    if redirects.own:
        return True
    undone = [refused.decision for refused in redirects.refused]
    if not any(replaces_keep(decision) for decision in undone):
        return False
    left = [decision for decision in decided.decisions if decision not in undone]
    return decided.keep is None and not any(replaces_keep(decision) for decision in left)


def _reason(redirects: PlannedRedirects, refuses: bool | None) -> str:
    """Why something is not done, for the plan."""
    if refuses is False:
        return "the mail is not refused, because its sender is not proven or it is spam"
    if redirects.refused:
        _, address, reason = redirects.refused[0]
        return f"no redirect to {address}: {reason.value}"
    return "the script redirects to the account itself" if redirects.own else ""


def _remembering(recipient: Recipient, target: Target, decisions: Sequence[ScriptDecision]) -> list[Step]:
    """The steps that remember the mail; they are carried out when all others of the recipient have succeeded."""
    steps = []
    for decision in decisions:
        if isinstance(decision.action, TrackDuplicateAction):
            tracked = decision.action
            seconds = DUPLICATE_SECONDS if tracked.seconds is None else tracked.seconds
            steps.append(
                Step(
                    recipient.address,
                    0,
                    StepAction.REMEMBER,
                    account=target.account,
                    memory=tracked.memory,
                    memory_seconds=seconds,
                    rule=DUPLICATE_LAST if tracked.is_last else DUPLICATE,
                    line=tracked.line,
                )
            )
    return steps
