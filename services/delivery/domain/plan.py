"""Plans the delivery of a mail: one step for each copy and each refusal.

The plan follows from how its recipients resolve and from what the scripts of accounts have decided. A plan that lacks a
decision names it; the script then runs, and the mail is planned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, assert_never

import msgspec

from services.delivery.domain.account_runs import (
    MOST_REDIRECTS_IN_A_ROW,
    NO_SCRIPTS,
    AccountRun,
    AccountTarget,
    PlannedScripts,
)
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_effects import SENT_COPY
from services.delivery.domain.script_steps import kept
from services.delivery.domain.step_action import StepAction as StepAction
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.srs.decision import POST
from shared.routing.resolution import Resolution, ResolutionKind, Target

_HAS_COPY = "this account has its copy already"
_ANOTHER_HOLDER = "the mailbox to which this was sent was removed, and its address belongs to somebody else"
_TOO_FAR = f"the mail was redirected through {MOST_REDIRECTS_IN_A_ROW} accounts; no further script runs"
_ENDS_NAMED = 10
Route = tuple[Recipient, Resolution]


class MailPlan(NamedTuple):
    """A plan, which is whole when no decision is needed."""

    steps: tuple[Step, ...]
    """Numbered through the plan."""
    ways: tuple[str, ...]
    """A description of how each recipient was resolved."""
    needed: tuple[AccountTarget, ...]
    """The accounts whose scripts must run first."""


def plan(mail: AcceptedMail, routes: Iterable[Route], scripts: PlannedScripts = NO_SCRIPTS) -> MailPlan:
    """The plan of a mail.

    A mail reaches an account once and an alias once, so there are hardly more steps than accounts and recipients.
    """
    planner = _Planner(mail, scripts)
    steps: list[Step] = []
    ways: list[str] = []
    aliases: set[str] = set()
    for recipient, resolution in routes:
        ways.append(_way(recipient, resolution))
        alias = resolution.via if resolution.kind is ResolutionKind.ACCOUNTS else ""
        if alias in aliases:
            steps.append(_numbered(_copied_already(recipient, alias), len(steps)))
            continue
        if alias:
            aliases.add(alias)
        for step in _without_repeats(planner.steps(recipient, resolution)):
            steps.append(_numbered(step, len(steps)))
    return MailPlan(tuple(steps), tuple(ways), tuple(planner.needed))


class _Planner:
    """Plans the recipients of a mail one after the other."""

    def __init__(self, mail: AcceptedMail, scripts: PlannedScripts) -> None:
        self._mail = mail
        self._scripts = scripts
        self._reached: set[str] = set()
        self.needed: list[AccountTarget] = []

    def steps(self, recipient: Recipient, resolution: Resolution) -> Iterator[Step]:
        """The steps of one recipient."""
        match resolution.kind:
            case ResolutionKind.ACCOUNTS if _has_another_holder(recipient, resolution):
                yield _bounce(recipient, _ANOTHER_HOLDER, "5.1.1")
            case ResolutionKind.ACCOUNTS:
                for target in resolution.targets:
                    yield from self._to_target(AccountTarget(recipient, target, recipient.address))
            case ResolutionKind.REMOTE:
                target = resolution.targets[0] if resolution.targets else Target(recipient.address)
                yield from self._to_target(AccountTarget(recipient, target, recipient.address))
            case ResolutionKind.UNKNOWN:
                yield _bounce(recipient, "there is no such mailbox here", "5.1.1")
            case ResolutionKind.DISABLED:
                yield _bounce(recipient, "the mailbox is disabled", "5.2.1")
            case ResolutionKind.OUTGOING_ONLY:
                yield _bounce(recipient, "this domain does not receive mail here", "5.1.2")
            case _:
                assert_never(resolution.kind)

    def _to_target(self, got: AccountTarget, through: tuple[str, ...] = ()) -> Iterator[Step]:
        """The steps of a target; `through` are the accounts whose redirects have led to it."""
        recipient, target = got.recipient, got.target
        key = target.account or target.address
        if key in self._reached:
            yield _copied_already(recipient, target.address)
            return
        self._reached.add(key)
        if target.list_id:
            list_id, member = target.list_id, target.member
            action = _action_at_list(member)
            yield Step(recipient.address, 0, action, address=target.address, list_id=list_id, member=member)
        elif not target.account:
            reverse_path = self._mail.reverse_path
            yield Step(recipient.address, 0, StepAction.ENQUEUE, address=target.address, reverse_path=reverse_path)
        elif not self._scripts.has_scripts(target.account):
            yield kept(got, is_spam=self._mail.is_spam_for(target.account))
        elif len(through) >= MOST_REDIRECTS_IN_A_ROW:
            yield kept(got, is_spam=self._mail.is_spam_for(target.account), reason=_TOO_FAR)
        else:
            yield from self._decided(got, through)

    def _decided(self, got: AccountTarget, through: tuple[str, ...]) -> Iterator[Step]:
        account = got.target.account
        run = self._scripts.runs.get(account)
        if run is None:
            self.needed.append(got)
            return
        yield from run.steps
        yield from self._redirected(got, run, (*through, account))

    def _redirected(self, got: AccountTarget, run: AccountRun, through: tuple[str, ...]) -> Iterator[Step]:
        """The steps of the accounts and lists here to which an account redirects; a loop leaves the mail with it."""
        has_kept = any(step.action == StepAction.STORE and step.rule != SENT_COPY for step in run.steps)
        for redirect in run.local:
            if redirect.target.account not in through:
                form = msgspec.structs.replace(redirect.form, prefix=None)
                yield from self._to_target(
                    AccountTarget(got.recipient, redirect.target, redirect.address, form), through
                )
            elif not has_kept:
                has_kept = True
                yield run.kept


def _bounce(recipient: Recipient, reason: str, status: str) -> Step:
    return Step(recipient.address, 0, StepAction.BOUNCE, reason=reason, rule=status)


def _without_repeats(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of one recipient. Of its targets that already have a copy, only the first is kept."""
    named = False
    for step in steps:
        is_repeat = step.reason == _HAS_COPY
        if not (is_repeat and named):
            yield step
        named = named or is_repeat


def _copied_already(recipient: Recipient, address: str) -> Step:
    return Step(recipient.address, 0, StepAction.DISCARD, address=address, reason=_HAS_COPY)


def _has_another_holder(recipient: Recipient, resolution: Resolution) -> bool:
    """Whether the address belonged to another account when the mail was accepted.

    An alias or a catch-all that has taken its place was made for such mail.
    """
    if not recipient.account or resolution.via:
        return False
    return all(target.account != recipient.account for target in resolution.targets)


def _action_at_list(member: str) -> StepAction:
    if member.startswith(POST):
        return StepAction.DECIDE
    return StepAction.COUNT if member else StepAction.LIST


def _numbered(step: Step, index: int) -> Step:
    return msgspec.structs.replace(step, index=index)


def _way(recipient: Recipient, resolution: Resolution) -> str:
    """Describes how a recipient was resolved; of very many targets it names only the first."""
    named = resolution.targets[:_ENDS_NAMED]
    ends = [f"{target.address}{_place_of(target)}" for target in named]
    if len(resolution.targets) > len(named):
        ends.append(f"{len(resolution.targets) - len(named)} more")
    alias = f" (through {resolution.via})" if resolution.via else ""
    return f"{recipient.address} → {', '.join(ends) or resolution.kind.value}{alias}"


def _place_of(target: Target) -> str:
    if target.list_id:
        return " (a list)"
    return " (elsewhere)" if target.is_remote else ""
