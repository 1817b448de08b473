"""What the scripts of an account would do with one mail, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_chain import ChainState, ScriptDecision
from services.delivery.domain.script_effects import may_be_answered, may_be_refused
from shared.protocol.sieve.actions import ErejectAction, KeepAction, RejectAction, VacationAction
from shared.protocol.sieve.describing import described_action

_NOBODY = "not done, because the sender has perhaps not written this mail"


def trial_lines(mail: AcceptedMail, account: str, decided: ChainState, tried: str, junk: str) -> Iterator[str]:
    """A line for each action. `tried` is the script whose name is left out, `junk` the mailbox for spam."""
    for failed in decided.failures:
        place = f" in line {failed.failure.line}" if failed.failure.line else ""
        yield f"{failed.script} failed{place}: {failed.failure.text}"
        yield from (f"not done: {described_action(action)}" for action in failed.failure.abandoned)
    is_kept_instead = False
    for decision in decided.decisions:
        refuses = isinstance(decision.action, RejectAction | ErejectAction) and not may_be_refused(mail, account)
        answers = isinstance(decision.action, VacationAction) and not may_be_answered(mail, account)
        is_kept_instead = is_kept_instead or refuses
        yield f"{_line(decision, tried)}{f' – {_NOBODY}' if refuses or answers else ''}"
    if decided.keep is not None:
        yield _kept(decided.keep, tried, junk if mail.is_spam_for(account) else "")
    elif is_kept_instead:
        yield "store in INBOX: the mail is kept where it cannot be refused"


def _line(decision: ScriptDecision, tried: str) -> str:
    by = f", by {decision.script}" if decision.script and decision.script != tried else ""
    return f"{described_action(decision.action)}{by}"


def _kept(keep: ScriptDecision, tried: str, junk: str) -> str:
    assert isinstance(keep.action, KeepAction)
    if keep.action.implicit and junk:
        return f"file into {junk}: the server files spam there that no script keeps"
    return _line(keep, tried)
