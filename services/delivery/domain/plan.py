"""Plans the delivery of a mail: one step for each copy and each refusal.

The plan follows from how its recipients resolve and from the accounts' Sieve scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import assert_never

import msgspec

from services.delivery.domain.mail import AcceptedMail
from shared.events.delivery import Step
from shared.events.mail import Recipient
from shared.protocol.sieve.interpreter import Actions, MessageContext, run
from shared.protocol.sieve.script import FILE_SPAM, JUNK, Script
from shared.protocol.srs.decision import POST
from shared.routing.resolution import Resolution, ResolutionKind, Target

_HAS_COPY = "this account has its copy already"
_ANOTHER_HOLDER = "the mailbox to which this was sent was removed, and its address belongs to somebody else"
_ENDS_NAMED = 10
Route = tuple[Recipient, Resolution]
ScriptOf = Callable[[str], Script]


class StepAction(StrEnum):
    """The effect of a step. The values are stored in events."""

    STORE = "store"
    ENQUEUE = "enqueue"
    BOUNCE = "bounce"
    DISCARD = "discard"
    LIST = "list"
    """The mail goes to the members of a list; further decisions name them."""
    LEAVE = "leave"
    """The author ends a membership."""
    COUNT = "count"
    """A post has come back from a member of a list."""
    HOLD = "hold"
    """A post waits for a moderator of the list."""
    DECIDE = "decide"
    """A moderator decides about a held post."""
    REFUSE = "refuse"
    """A script refuses the mail (reject, ereject); the sender is told unless that would be backscatter."""
    ANSWER = "answer"
    """A vacation response."""
    NOTIFY = "notify"
    """A notification to an address that a script names, or to the owner about a script."""
    REMEMBER = "remember"
    """Remembers that the mail was seen (RFC 7352), once all other steps of the recipient have succeeded."""


def built_in(_account: str) -> Script:
    """The script of every account, until accounts can have their own."""
    return FILE_SPAM


def plan(
    mail: AcceptedMail, routes: Iterable[Route], script_of: ScriptOf = built_in
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps, numbered through the plan, and a description of how each recipient was resolved.

    A mail reaches an account once and an alias once, so there are hardly more steps than accounts and recipients.
    """
    steps: list[Step] = []
    ways: list[str] = []
    reached: set[str] = set()
    aliases: set[str] = set()
    for recipient, resolution in routes:
        ways.append(_way(recipient, resolution))
        alias = resolution.via if resolution.kind is ResolutionKind.ACCOUNTS else ""
        if alias in aliases:
            steps.append(_numbered(_copied_already(recipient, alias), len(steps)))
            continue
        if alias:
            aliases.add(alias)
        for step in _without_repeats(_steps(mail, recipient, resolution, reached, script_of)):
            steps.append(_numbered(step, len(steps)))
    return tuple(steps), tuple(ways)


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


def _steps(
    mail: AcceptedMail, recipient: Recipient, resolution: Resolution, reached: set[str], script_of: ScriptOf
) -> Iterator[Step]:
    match resolution.kind:
        case ResolutionKind.ACCOUNTS if _has_another_holder(recipient, resolution):
            yield Step(recipient.address, 0, StepAction.BOUNCE, reason=_ANOTHER_HOLDER, rule="5.1.1")
        case ResolutionKind.ACCOUNTS:
            for target in resolution.targets:
                yield from _to_target(mail, recipient, target, reached, script_of)
        case ResolutionKind.REMOTE:
            yield from _to_target(
                mail,
                recipient,
                resolution.targets[0] if resolution.targets else Target(recipient.address),
                reached,
                script_of,
            )
        case ResolutionKind.UNKNOWN:
            yield Step(recipient.address, 0, StepAction.BOUNCE, reason="there is no such mailbox here", rule="5.1.1")
        case ResolutionKind.DISABLED:
            yield Step(recipient.address, 0, StepAction.BOUNCE, reason="the mailbox is disabled", rule="5.2.1")
        case ResolutionKind.OUTGOING_ONLY:
            yield Step(
                recipient.address, 0, StepAction.BOUNCE, reason="this domain does not receive mail here", rule="5.1.2"
            )
        case _:
            assert_never(resolution.kind)


def _has_another_holder(recipient: Recipient, resolution: Resolution) -> bool:
    """Whether the address belonged to another account when the mail was accepted.

    An alias or a catch-all that has taken its place was made for such mail.
    """
    if not recipient.account or resolution.via:
        return False
    return all(target.account != recipient.account for target in resolution.targets)


def _to_target(
    mail: AcceptedMail, recipient: Recipient, target: Target, reached: set[str], script_of: ScriptOf
) -> Iterator[Step]:
    key = target.account or target.address
    if key in reached:
        yield _copied_already(recipient, target.address)
        return
    reached.add(key)
    if target.list_id:
        list_id, member = target.list_id, target.member
        action = _action_at_list(member)
        yield Step(recipient.address, 0, action, address=target.address, list_id=list_id, member=member)
        return
    if not target.account:
        yield Step(recipient.address, 0, StepAction.ENQUEUE, address=target.address, reverse_path=mail.reverse_path)
        return
    yield from steps_of_account(mail, recipient, target, script_of)


def _action_at_list(member: str) -> StepAction:
    if member.startswith(POST):
        return StepAction.DECIDE
    return StepAction.COUNT if member else StepAction.LIST


def steps_of_account(
    mail: AcceptedMail, recipient: Recipient, target: Target, script_of: ScriptOf = built_in
) -> Iterator[Step]:
    """The steps of an account's script for a mail."""
    context = MessageContext(spam=mail.is_spam_for(target.account))
    yield from _steps_of_script(recipient, target, run(script_of(target.account), context))


def _steps_of_script(recipient: Recipient, target: Target, actions: Actions) -> Iterator[Step]:
    if not actions.filed:
        yield Step(
            recipient.address,
            0,
            StepAction.DISCARD,
            account=target.account,
            address=target.address,
            reason="discarded by the account's script",
        )
    for filed in actions.filed:
        yield Step(
            recipient.address,
            0,
            StepAction.STORE,
            account=target.account,
            address=target.address,
            mailbox=filed.mailbox,
            spam=filed.special_use == JUNK,
            quota_bytes=target.quota_bytes,
            quota_messages=target.quota_messages,
            rule=filed.rule,
        )


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
