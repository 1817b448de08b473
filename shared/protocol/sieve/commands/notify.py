"""The action `notify` (RFC 5435 §3) by mailto (RFC 5436)."""

from __future__ import annotations

from shared.protocol.sieve.actions import NotifyAction
from shared.protocol.sieve.commands.redirect import check_address, valid_address
from shared.protocol.sieve.commands.sent_copy import FCC_TAGS, sent_copy
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.mail.notify_uri import InvalidNotifyUri, MailtoUri, parse_mailto
from shared.protocol.sieve.program import RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, STRINGS, NodeSignature, Tag
from shared.protocol.sieve.validate.text import ScriptText

_IMPORTANCES = {b"1": 1, b"2": 2, b"3": 3}
_MOST_SUBJECT = 200


def _notify(scope: Scope, arguments: Arguments) -> SieveStep:
    method, message, sender = arguments.text(0), arguments.tag_text("message"), arguments.tag_text("from")
    importance, options = arguments.tag_text("importance"), arguments.tag_texts("options")
    copy = sent_copy(scope, arguments)
    _check(scope, method, importance)
    if sender is not None and sender.constant is not None:
        check_address(scope, sender)

    def step(run: ScriptRun) -> None:
        if sum(isinstance(action, NotifyAction) for action in run.actions) >= run.limits.notifications:
            raise RunFailed(f"the script sends more than {run.limits.notifications} notifications")
        uri = as_text(method.value(run))
        parsed = _parsed(uri)
        if _is_notification(run):
            run.note("notify: nothing is sent, because the message is itself a notification (Auto-Submitted)")
            return
        run.act(
            NotifyAction(
                uri,
                as_text(message.value(run)) if message else parsed.body or _default_message(run),
                _importance(run, importance),
                _sender(run, sender),
                tuple(as_text(option.value(run)) for option in options),
                parsed.recipients,
                parsed.subject,
                parsed.fields,
                copy(run),
                arguments.place.line,
            )
        )

    return step


def _sender(run: ScriptRun, sender: ScriptText | None) -> str:
    if sender is None:
        return ""
    valid_address(sender.value(run))
    return as_text(sender.value(run))


def _is_notification(run: ScriptRun) -> bool:
    """RFC 5436 §2.7.1: a notification causes no other, so that two servers cannot notify each other without end."""
    values = run.message.header.raw_values(b"auto-submitted")
    return any(value.partition(b";")[0].strip().lower() == b"auto-notified" for value in values)


def _check(scope: Scope, method: ScriptText, importance: ScriptText | None) -> None:
    if method.constant is not None:
        try:
            parse_mailto(method.constant.decode("utf-8", "replace"))
        except InvalidNotifyUri as error:
            scope.error(method.place, f"notify: {error}")
    if importance is not None and importance.constant is not None and importance.constant not in _IMPORTANCES:
        scope.error(importance.place, 'notify: :importance takes "1", "2" or "3"')


def _parsed(uri: str) -> MailtoUri:
    try:
        return parse_mailto(uri)
    except InvalidNotifyUri as error:
        raise RunFailed(f"notify: {error}") from None


def _importance(run: ScriptRun, importance: ScriptText | None) -> int:
    value = b"2" if importance is None else importance.value(run)
    if value not in _IMPORTANCES:
        raise RunFailed("notify: :importance has an invalid value")
    return _IMPORTANCES[value]


def _default_message(run: ScriptRun) -> str:
    """RFC 5435 §3.6: who sent the message, and its subject."""
    header = run.message.header
    values = [*header.values(b"from")[:1], *header.values(b"subject")[:1]]
    return ": ".join(value.decode("utf-8", "replace")[:_MOST_SUBJECT] for value in values) or "New message"


COMMANDS = (
    CommandDefinition(
        NodeSignature(
            "notify",
            (STRING,),
            (
                Tag("from", STRING),
                Tag("importance", STRING),
                Tag("options", STRINGS),
                Tag("message", STRING),
                *FCC_TAGS,
            ),
            ("enotify",),
        ),
        _notify,
    ),
)
