"""The first part of a report: what happened, in plain words (RFC 6522 §3)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.remedy import remedy
from shared.protocol.dsn.text import moment, plain, reply_lines

RECIPIENTS_EXPLAINED: Final = 100
"""Recipients that the text describes; the others are in the part for programs."""
_WIDTH: Final = 78
_SUBJECT_LIMIT: Final = 200

SUBJECTS: Final = {
    DsnAction.FAILED: "Undelivered Mail Returned to Sender",
    DsnAction.DELAYED: "Delayed Mail (still being tried)",
    DsnAction.RELAYED: "Mail handed over to the next server",
    DsnAction.EXPANDED: "Mail passed on to several recipients",
    DsnAction.DELIVERED: "Successful Mail Delivery",
}
_OPENINGS: Final = {
    DsnAction.FAILED: "could not be delivered to:",
    DsnAction.DELAYED: "has not been delivered yet to:",
    DsnAction.RELAYED: "was handed over to a server that does not report delivery, for:",
    DsnAction.EXPANDED: "was passed on to several addresses, for:",
    DsnAction.DELIVERED: "was delivered to:",
}


def text_for_people(original: Original, reports: Sequence[RecipientReport], reporter: Reporter) -> list[str]:
    """The lines of the text."""
    lines = [f"This is the mail system at {reporter.host}.", ""]
    explained = reports[:RECIPIENTS_EXPLAINED]
    for action in DsnAction:
        chosen = [report for report in explained if report.action is action]
        if chosen:
            lines += _wrapped(f"{_named(original)} {_OPENINGS[action]}")
            lines.append("")
            for report in chosen:
                lines += [*_about(report), ""]
    if len(reports) > len(explained):
        lines += [f"{len(reports) - len(explained)} more recipients are named in the second part of this report.", ""]
    return [*lines, *_closing(original)]


def _named(original: Original) -> str:
    subject = "" if original.content_withheld else plain(original.subject, _SUBJECT_LIMIT)
    return f'Your message "{subject}" of {moment(original.arrived)}' if subject else "Your message"


def _about(report: RecipientReport) -> Iterator[str]:
    yield f"<{plain(report.recipient)}>"
    yield from _wrapped(f"{plain(report.reason)} ({report.checked_status})", "    ")
    if report.action is DsnAction.DELAYED and report.retry_until is not None:
        yield from _wrapped(f"It will be tried until {moment(report.retry_until)}.", "    ")
    if advice := remedy(report.checked_status, report.action):
        yield from _wrapped(advice, "    ")
    if words := reply_lines(report.reply):
        yield from _wrapped(f"The server {plain(report.remote, 255)} said:".replace("  ", " "), "    ")
        yield from (f"        {line}" for line in words)


def _closing(original: Original) -> Iterator[str]:
    if original.content_withheld:
        yield from _wrapped("Its content is not returned, because it was sent with the demand for TLS (REQUIRETLS).")
        yield ""
    yield from _wrapped(
        f"Its queue id here was {plain(original.queue_id)}; the operator can look up what happened to it under that id."
    )


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
