"""The first part of a report: what happened, in plain words (RFC 6522 §3)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.remedy import remedy
from shared.protocol.dsn.text import plain, reply_lines
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import Language

RECIPIENTS_EXPLAINED: Final = 100
"""Recipients that the text describes; the others are in the part for programs."""
_WIDTH: Final = 78
_SUBJECT_LIMIT: Final = 200


def subject_of(action: DsnAction, language: Language) -> str:
    """The subject of a report whose gravest action this is."""
    return language.say(f"report.subject.{action.value}")


def text_for_people(
    original: Original, reports: Sequence[RecipientReport], reporter: Reporter, to: Addressee
) -> list[str]:
    """The lines of the text, in the language and the time zone of the addressee."""
    lines = [line for paragraph in to.greeting() for line in (*_wrapped(paragraph), "")]
    lines += [*_wrapped(to.say("mail_system", host=reporter.host)), ""]
    explained = reports[:RECIPIENTS_EXPLAINED]
    for action in DsnAction:
        chosen = [report for report in explained if report.action is action]
        if chosen:
            lines += [*_wrapped(to.say(f"report.{action.value}", message=_named(original, to))), ""]
            for report in chosen:
                lines += [*_about(report, to), ""]
    if len(reports) > len(explained):
        lines += [*_wrapped(to.say("report.more", number=len(reports) - len(explained))), ""]
    return [*lines, *_closing(original, to)]


def _named(original: Original, to: Addressee) -> str:
    subject = "" if original.content_withheld else plain(original.subject, _SUBJECT_LIMIT)
    if not subject:
        return to.say("report.some_message")
    return to.say("report.message", subject=subject, moment=to.moment(original.arrived))


def _about(report: RecipientReport, to: Addressee) -> Iterator[str]:
    yield f"<{plain(report.recipient)}>"
    yield from _wrapped(f"{to.language.reason(plain(report.reason))} ({report.checked_status})", "    ")
    if report.action is DsnAction.DELAYED and report.retry_until is not None:
        yield from _wrapped(to.say("report.tried_until", moment=to.moment(report.retry_until)), "    ")
    if advice := remedy(report.checked_status, report.action, to.language):
        yield from _wrapped(advice, "    ")
    if words := reply_lines(report.reply):
        server = plain(report.remote, 255)
        said = to.say("report.server_said", server=server) if server else to.say("report.some_server_said")
        yield from _wrapped(said, "    ")
        yield from (f"        {line}" for line in words)


def _closing(original: Original, to: Addressee) -> Iterator[str]:
    if original.content_withheld:
        yield from _wrapped(to.say("report.withheld"))
        yield ""
    yield from _wrapped(to.say("report.queue_id", queue_id=plain(original.queue_id)))


def _wrapped(text: str, indent: str = "") -> list[str]:
    """The text in lines of some 78 characters; a longer word has a line of its own."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent.rstrip()]
