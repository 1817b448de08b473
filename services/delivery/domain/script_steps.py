"""The steps for what the scripts of an account have decided: one copy for each mailbox, then what leaves.

The rule of the server comes last: spam that is kept only implicitly goes into the \\Junk mailbox. An explicit `keep` or
`fileinto` of the owner is stronger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from services.delivery.domain.account_runs import AccountRun, AccountTarget
from services.delivery.domain.outward import NOTHING_LEAVES, OutwardPlan
from services.delivery.domain.script_chain import IMPLICIT_KEEP, ChainState, ScriptDecision
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import Step
from shared.protocol.imap.mailbox_name import INBOX
from shared.protocol.sieve.actions import DiscardAction, FileIntoAction, KeepAction

JUNK = "\\Junk"
FILE_SPAM = "file spam: fileinto \\Junk"
IMPLICIT = "implicit keep"
_SENT_AWAY = frozenset({StepAction.ENQUEUE, StepAction.REFUSE})


class MailboxKey(NamedTuple):
    """A mailbox as a script names it."""

    name: str
    mailbox_id: str = ""
    special_use: str = ""


MailboxNames = Mapping[MailboxKey, str]
"""The names of mailboxes that exist, or are to be made, by how scripts name them."""


def key_of_action(action: FileIntoAction) -> MailboxKey:
    """How an action names its mailbox."""
    return MailboxKey(action.mailbox, action.mailbox_id, action.special_use)


def kept(got: AccountTarget, *, is_spam: bool, decision: ScriptDecision = IMPLICIT_KEEP, reason: str = "") -> Step:
    """The step of a keep, which is a fast way for accounts without scripts too."""
    action = decision.action
    assert isinstance(action, KeepAction)
    is_junk = is_spam and action.implicit
    implicit = f"{decision.script}: {IMPLICIT}" if decision.script else IMPLICIT
    rule = FILE_SPAM if is_junk else implicit if action.implicit else f"{decision.rule}: keep"
    step = _copy(got, decision, action.flags, rule)
    return msgspec.structs.replace(step, spam=is_junk, reason=reason, line=0 if action.implicit else action.line)


def run_of(
    got: AccountTarget,
    decided: ChainState,
    names: MailboxNames,
    outward: OutwardPlan = NOTHING_LEAVES,
    *,
    is_spam: bool,
) -> AccountRun:
    """The steps of an account. `names` has the mailboxes of all actions, and that of \\Junk if there is one."""
    fallback = kept(got, is_spam=is_spam, reason=outward.reason or _failed(decided))
    stores = _stores(got, decided, names)
    keep = decided.keep
    if keep is not None or outward.keeps or not (stores or outward.steps or outward.local or _is_discarded(decided)):
        reason = _failed(decided) if keep is not None else fallback.reason
        step = kept(got, is_spam=is_spam, decision=keep or IMPLICIT_KEEP, reason=reason)
        _store(stores, names.get(MailboxKey("", "", JUNK), JUNK) if step.spam else INBOX, step)
    has_way = bool(stores) or bool(outward.local) or any(step.action in _SENT_AWAY for step in outward.steps)
    first = tuple(stores.values()) if has_way else (_discard(got, decided),)
    return AccountRun((*first, *outward.steps), fallback, outward.local)


def _stores(got: AccountTarget, decided: ChainState, names: MailboxNames) -> dict[str, Step]:
    """The copies for mailboxes by name. A mailbox gets one, with the flags of the last action (RFC 5232 §3)."""
    stores: dict[str, Step] = {}
    for decision in decided.decisions:
        action = decision.action
        if isinstance(action, FileIntoAction):
            name = names[key_of_action(action)]
            step = _copy(got, decision, action.flags, f"{decision.rule}: fileinto")
            _store(
                stores,
                name,
                msgspec.structs.replace(
                    step,
                    mailbox="" if name == INBOX else name,
                    create=action.create,
                    mailbox_id=action.mailbox_id,
                    special_use=action.special_use,
                    line=action.line,
                ),
            )
    return stores


def _store(stores: dict[str, Step], name: str, step: Step) -> None:
    earlier = stores.get(name)
    if earlier is None:
        stores[name] = step
    else:
        stores[name] = msgspec.structs.replace(earlier, flags=step.flags, create=earlier.create or step.create)


def _copy(got: AccountTarget, decision: ScriptDecision, flags: tuple[str, ...], rule: str) -> Step:
    target, form = got.target, decision.form if decision.form.is_edited else got.form
    return Step(
        got.recipient.address,
        0,
        StepAction.STORE,
        account=target.account,
        address=target.address,
        flags=flags,
        prefix=form.prefix or b"",
        quota_bytes=target.quota_bytes,
        quota_messages=target.quota_messages,
        rule=rule,
        added=form.added,
        edited=form.edited,
        edited_size=form.edited_size,
    )


def _discard(got: AccountTarget, decided: ChainState) -> Step:
    discards = [decision for decision in decided.decisions if isinstance(decision.action, DiscardAction)]
    step = Step(got.recipient.address, 0, StepAction.DISCARD, account=got.target.account, address=got.target.address)
    rule, line = (f"{discards[-1].rule}: discard", discards[-1].action.line) if discards else ("", 0)
    return msgspec.structs.replace(step, reason="discarded by the account's script", rule=rule, line=line)


def _is_discarded(decided: ChainState) -> bool:
    return any(isinstance(decision.action, DiscardAction) for decision in decided.decisions)


def _failed(decided: ChainState) -> str:
    """What the plan says of scripts that have failed."""
    texts = (
        f"{failed.script} failed at line {failed.failure.line}: {failed.failure.text}" for failed in decided.failures
    )
    return "; ".join(texts)[:1000]
