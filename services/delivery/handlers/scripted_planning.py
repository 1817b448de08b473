"""Plans mails whose recipients have scripts: it runs what a plan needs, and plans again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.delivery.domain.account_runs import AccountRun, AccountTarget, PlannedScripts
from services.delivery.domain.list_rules import as_posted
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.plan import MailPlan, Route, plan
from services.delivery.domain.script_steps import run_of
from services.delivery.domain.step_action import StepAction
from services.delivery.handlers.mail_contents import MailContents
from services.delivery.handlers.script_ports import OutwardEffects
from services.delivery.handlers.script_runs import ScriptRuns
from shared.blobs.port import Blobs
from shared.events.delivery import DeliveryListExpanded, Step
from shared.events.mail import Recipient
from shared.routing.resolution import Resolution, ResolutionKind, Target


class ScriptedPlanning:
    """Plans. Every method raises what must be tried again; nothing is done by then."""

    def __init__(self, runs: ScriptRuns, effects: OutwardEffects, blobs: Blobs) -> None:
        self._runs = runs
        self._effects = effects
        self._blobs = blobs

    async def plan(self, mail: AcceptedMail, routes: Sequence[Route]) -> MailPlan:
        """The plan of a mail. For accounts without scripts nothing is read and nobody is asked."""
        return await self._plan(mail, routes, MailContents(self._blobs))

    async def of_members(self, mail: AcceptedMail, part: DeliveryListExpanded, made: Sequence[Step]) -> list[Step]:
        """The steps for members of a list, where those with scripts have decided about their copies."""
        contents = MailContents(self._blobs)
        decided: list[Step] = []
        for step in made:
            if step.action == StepAction.STORE and self._runs.has_scripts(step.account):
                decided += await self._of_member(as_posted(mail, part, step.reverse_path), step, contents)
            else:
                decided.append(step)
        return decided

    async def _of_member(self, mail: AcceptedMail, step: Step, contents: MailContents) -> list[Step]:
        target = Target(step.address, step.account, step.quota_bytes, quota_messages=step.quota_messages)
        route = (Recipient(step.recipient), Resolution(ResolutionKind.ACCOUNTS, (target,)))
        made = await self._plan(mail, [route], contents)
        return [_of_list(step, planned) for planned in made.steps]

    async def _plan(self, mail: AcceptedMail, routes: Sequence[Route], contents: MailContents) -> MailPlan:
        done: dict[str, AccountRun] = {}
        while True:
            made = plan(mail, routes, PlannedScripts(self._runs.has_scripts, done))
            if not made.needed:
                return made
            for got in made.needed:
                done[got.target.account] = await self._run(mail, got, contents)

    async def _run(self, mail: AcceptedMail, got: AccountTarget, contents: MailContents) -> AccountRun:
        chain, names = await self._runs.decide(mail, got, contents)
        outward = await self._effects.steps(mail, got.recipient, got.target, chain)
        return run_of(got, chain, names, outward, is_spam=mail.is_spam_for(got.target.account))


def _of_list(step: Step, planned: Step) -> Step:
    """A planned step as one of the list and its member, whose copy `step` is."""
    if planned.action == StepAction.LIST:
        return planned
    stored = planned.action == StepAction.STORE
    return msgspec.structs.replace(
        planned,
        list_id=step.list_id,
        member=step.member,
        reverse_path=step.reverse_path if stored else planned.reverse_path,
    )
