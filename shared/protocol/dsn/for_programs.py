"""The second part of a report: a group of fields about the message, and one for each recipient (RFC 3464 §2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.text import ascii_text, moment, original_recipient, plain, reply_lines, typed_address


def status_fields(original: Original, reports: Sequence[RecipientReport], reporter: Reporter) -> list[str]:
    """The lines of the part, without its own header. They are ASCII except in an international report."""
    lines = list(_of_message(original, reporter))
    for report in reports:
        lines += ["", *_of_recipient(report, original)]
    return lines


def _of_message(original: Original, reporter: Reporter) -> Iterator[str]:
    yield f"Reporting-MTA: dns; {reporter.host}"
    if original.envid:
        yield f"Original-Envelope-Id: {ascii_text(original.envid)}"
    yield f"Arrival-Date: {moment(original.arrived)}"


def _of_recipient(report: RecipientReport, original: Original) -> Iterator[str]:
    international = original.is_international
    if report.orcpt and (named := original_recipient(report.orcpt, international=international)):
        yield f"Original-Recipient: {named}"
    yield f"Final-Recipient: {typed_address(report.recipient, international=international)}"
    yield f"Action: {report.action.value}"
    yield f"Status: {report.checked_status}"
    if report.remote:
        yield f"Remote-MTA: dns; {ascii_text(report.remote[:255])}"
    if diagnostic := _diagnostic(report, international=international):
        yield f"Diagnostic-Code: {diagnostic}"
    if report.last_attempt is not None:
        yield f"Last-Attempt-Date: {moment(report.last_attempt)}"
    yield f"Final-Log-ID: {ascii_text(original.queue_id)}"
    if report.retry_until is not None and report.action is DsnAction.DELAYED:  # RFC 3464 §2.3.9: for no other action
        yield f"Will-Retry-Until: {moment(report.retry_until)}"


def _diagnostic(report: RecipientReport, *, international: bool) -> str:
    """The remote's own words, else ours; "" when there are none (RFC 3464 §2.3.6)."""
    words = " ".join(reply_lines(report.reply))
    text = plain(words or report.reason)
    if not text:
        return ""
    return f"{'smtp' if words else 'x-mailfold'}; {text if international else ascii_text(text)}"
