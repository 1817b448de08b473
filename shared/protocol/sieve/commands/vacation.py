"""The action `vacation` (RFC 5230), with vacation-seconds (RFC 6131) and fcc (RFC 8580)."""

from __future__ import annotations

import re
from hashlib import blake2b

from shared.protocol.sieve.actions import VacationAction
from shared.protocol.sieve.commands.redirect import check_address, valid_address
from shared.protocol.sieve.commands.sent_copy import FCC_TAGS, sent_copy
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.mail.answerable import reason_unanswered
from shared.protocol.sieve.program import RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NUMBER, STRING, STRINGS, NodeSignature, Tag
from shared.protocol.sieve.validate.text import ScriptText

DEFAULT_DAYS = 7
MOST_DAYS = 365
_DAY = 86400
_MOST_SUBJECT = 500
"""Characters of a subject that is taken from the message."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def _vacation(scope: Scope, arguments: Arguments) -> SieveStep:
    reason, subject, sender = arguments.text(0), arguments.tag_text("subject"), arguments.tag_text("from")
    addresses, copy = arguments.tag_texts("addresses"), sent_copy(scope, arguments)
    seconds, memory = _period(arguments), _memory(arguments)
    if sender is not None and sender.constant is not None:
        check_address(scope, sender)

    def step(run: ScriptRun) -> None:
        if run.has_answered:
            raise RunFailed("the script runs vacation twice")
        run.has_answered = True
        owner = [*run.environment.addresses, *(as_text(text.value(run)) for text in addresses)]
        unanswered = reason_unanswered(run, owner)
        if unanswered:
            run.note(f"vacation: no reply, because {unanswered}")
            return
        run.act(
            VacationAction(
                run.envelope.sender,
                as_text(reason.value(run)),
                _subject(run, subject),
                memory,
                seconds,
                _sender(run, sender),
                arguments.has("mime"),
                copy(run),
                arguments.place.line,
            )
        )

    return step


def _sender(run: ScriptRun, sender: ScriptText | None) -> str:
    if sender is None:
        return ""
    value = sender.value(run)
    valid_address(value)
    return _CONTROLS.sub(" ", as_text(value))


def _period(arguments: Arguments) -> int:
    """RFC 5230 §4.1, RFC 6131 §2: at least a day, and with `:seconds` anything from 0."""
    seconds = arguments.tag_number("seconds")
    if seconds is not None:
        return min(seconds, MOST_DAYS * _DAY)
    days = arguments.tag_number("days")
    return min(max(DEFAULT_DAYS if days is None else days, 1), MOST_DAYS) * _DAY


def _memory(arguments: Arguments) -> str:
    """RFC 5230 §4.2: the response is its `:handle`, or all its arguments before variables are expanded.

    Each argument is hashed with its name and length, so that moving a text between arguments changes the response.
    """
    digest = blake2b(digest_size=16)
    handle = arguments.tag_text("handle")
    parts = [("handle", handle.source)] if handle is not None else _sources(arguments)
    for name, source in parts:
        digest.update(b"%b %d:%b" % (name.encode(), len(source), source))
    return digest.hexdigest()


def _sources(arguments: Arguments) -> list[tuple[str, bytes]]:
    parts = [("reason", arguments.text(0).source)]
    for name in ("subject", "from"):
        text = arguments.tag_text(name)
        if text is not None:
            parts.append((name, text.source))
    parts += [("addresses", text.source) for text in arguments.tag_texts("addresses")]
    return [*parts, ("mime", b"")] if arguments.has("mime") else parts


def _subject(run: ScriptRun, subject: ScriptText | None) -> str:
    """RFC 5230 §4.3: the given subject, or "Auto: " and that of the message; on one line."""
    if subject is not None:
        text = as_text(subject.value(run))
    else:
        values = run.message.header.values(b"subject")
        original = values[0].decode("utf-8", "replace")[:_MOST_SUBJECT] if values else ""
        text = f"Auto: {original}" if original else "Automated reply"
    return _CONTROLS.sub(" ", text)


COMMANDS = (
    CommandDefinition(
        NodeSignature(
            "vacation",
            (STRING,),
            (
                Tag("days", NUMBER, "period"),
                Tag("seconds", NUMBER, "period", "vacation-seconds"),
                Tag("subject", STRING),
                Tag("from", STRING),
                Tag("addresses", STRINGS),
                Tag("mime"),
                Tag("handle", STRING),
                *FCC_TAGS,
            ),
            ("vacation",),
        ),
        _vacation,
    ),
)
