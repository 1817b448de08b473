"""What an owner is told about the script of the account: an error, and what it wanted but is not done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.moderation_texts import shown
from services.delivery.domain.script_chain import FailedScript, ScriptDecision
from services.delivery.domain.script_effects import RefusedRedirect
from shared.protocol.dsn.text import plain
from shared.protocol.languages.addressee import Addressee
from shared.protocol.sieve.describing import described_action

_ACTIONS = 10
"""Actions that a notice names; the others are left out."""
_TEXT = 300


def failure_paragraphs(failed: FailedScript, to: Addressee) -> Iterator[str]:
    """A script ended with an error."""
    failure = failed.failure
    script = f"{failed.script} ({failure.script})" if failure.script else failed.script
    error = plain(failure.text, _TEXT)
    yield to.say("script.failed.text", script=plain(script, _TEXT), line=failure.line, error=error)
    yield to.say("script.failed.kept")
    if failure.abandoned:
        named = [plain(described_action(action), _TEXT) for action in failure.abandoned[:_ACTIONS]]
        rest = ["…"] if len(failure.abandoned) > _ACTIONS else []
        yield to.say("script.failed.abandoned", actions="; ".join([*named, *rest]))
    yield to.say("script.failed.mend")


def redirect_paragraphs(
    decision: ScriptDecision, address: str, reason: RefusedRedirect, to: Addressee, *, keeps: bool
) -> Iterator[str]:
    """A redirect is not done."""
    yield to.say("script.redirect.text", address=plain(address, _TEXT), **_place(decision))
    yield to.say(f"script.redirect.{reason.value}")
    if keeps:
        yield to.say("script.kept")


def notify_paragraphs(decision: ScriptDecision, addresses: Sequence[str], to: Addressee) -> Iterator[str]:
    """A notification is not sent."""
    yield to.say("script.notify.text", address=plain(", ".join(addresses), _TEXT), **_place(decision))
    yield to.say("script.notify.limit")


def refusal_paragraphs(decision: ScriptDecision, to: Addressee) -> Iterator[str]:
    """A message is kept that the script would have refused."""
    yield to.say("script.refusal.text", **_place(decision))
    yield to.say("script.refusal.kept")


def message_paragraph(mail: AcceptedMail, to: Addressee) -> str:
    """Which message it was. What a stranger wrote cannot pose as a line of ours."""
    message = mail.message
    author = shown(message.author or mail.reverse_path) or "-"
    return to.say("script.message", author=author, subject=shown(message.subject) or "-")


def _place(decision: ScriptDecision) -> dict[str, object]:
    return {"script": plain(decision.script, _TEXT) or "Sieve", "line": decision.action.line}
