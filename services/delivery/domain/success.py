"""Which recipients are reported as delivered to a sender who asked for that (RFC 3461 §4.1, §5.2.1, §5.2.7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.step_action import StepAction
from shared.events.delivery import Step
from shared.protocol.dsn.action import DsnAction, is_reported
from shared.protocol.dsn.content import RecipientReport

_TEXTS = {
    DsnAction.DELIVERED: "the mail is in the mailbox",
    DsnAction.EXPANDED: "the address stands for several others, and the mail was passed on to them",
}

_SAYS_NOTHING = frozenset({StepAction.ANSWER, StepAction.NOTIFY, StepAction.REMEMBER})
_NOT_DELIVERED = frozenset({StepAction.HOLD, StepAction.REFUSE})


def successes_to_report(mail: AcceptedMail, done: Sequence[Step]) -> list[RecipientReport]:
    """The reports of success about a mail of which every step is done.

    A recipient on another server is reported by the queue or by that server. A mail that was filed as spam makes no
    report, because its reverse-path is mostly forged.
    """
    if mail.spam or not any(is_reported(recipient.notify, DsnAction.DELIVERED) for recipient in mail.recipients):
        return []
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in done:
        if step.action in _SAYS_NOTHING:
            continue
        if not step.blob or step.action == StepAction.REFUSE:
            steps[step.recipient].append(step)
    reports: dict[RecipientReport, None] = {}
    for recipient in mail.recipients:
        action = _action_of(steps[recipient.address])
        if action is not None and is_reported(recipient.notify, action):
            report = RecipientReport(recipient.address, "2.0.0", _TEXTS[action], action, orcpt=recipient.orcpt)
            reports[report] = None
    return list(reports)


def _action_of(steps: Sequence[Step]) -> DsnAction | None:
    """What to report of a recipient with these steps: a copy that its owner discards is delivered as well.

    A post that waits for a moderator is not, nor is a mail that a script refuses. Several copies for an account are one
    delivery.
    """
    actions = {step.action for step in steps}
    if actions & _NOT_DELIVERED or all(step.action == StepAction.ENQUEUE for step in steps):
        return None
    places = [step.account or str(number) for number, step in enumerate(steps)]
    return DsnAction.DELIVERED if len(set(places)) == 1 else DsnAction.EXPANDED
