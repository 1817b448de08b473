"""Builds a delivery status notification: a multipart/report for people and for programs (RFC 3464, 6522, 6533).

The caller sends it with the null reverse-path (RFC 3461 §6), and never makes one about a mail with a null reverse-path
(RFC 5321 §6.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.protocol.dsn.action import DsnAction
from shared.protocol.dsn.content import Original, RecipientReport, Reporter
from shared.protocol.dsn.for_people import subject_of, text_for_people
from shared.protocol.dsn.for_programs import status_fields
from shared.protocol.dsn.returned import returned_part
from shared.protocol.dsn.text import plain, unstructured
from shared.protocol.languages.addressee import Addressee

MOST_RECIPIENTS: Final = 500
"""Recipients in one report. For more, the caller makes several reports."""


def build(
    original: Original, reports: Sequence[RecipientReport], reporter: Reporter, to: Addressee | None = None
) -> bytes:
    """The whole notification with CRLF line ends; without an addressee in English for the sender's address.

    Reports of several actions may be joined; the subject names the gravest. Raises ValueError for no recipient or more
    than 500, and for a mail with a null reverse-path.
    """
    if not 0 < len(reports) <= MOST_RECIPIENTS:
        raise ValueError(f"a report is about 1 to {MOST_RECIPIENTS} recipients")
    if not original.sender:
        raise ValueError("no report about a mail with a null reverse-path")
    actions = {report.action for report in reports}
    gravest = next(action for action in DsnAction if action in actions)
    to = to or Addressee(original.sender)
    parts = [
        _text_part("text/plain; charset=utf-8", text_for_people(original, reports, reporter, to)),
        _text_part(_status_type(original), status_fields(original, reports, reporter)),
        returned_part(original, with_body=DsnAction.FAILED in actions),
    ]
    edge = b"--" + reporter.boundary.encode("ascii")
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts if part)
    return _header(original, gravest, reporter, to, is_ascii=body.isascii()) + body + edge + b"--\r\n"


def _header(original: Original, gravest: DsnAction, reporter: Reporter, to: Addressee, *, is_ascii: bool) -> bytes:
    return _lines(
        f"From: {to.say('author.report')} <{plain(reporter.author)}>",
        f"To: {to.mailbox}",
        f"Subject: {unstructured(subject_of(gravest, to.language))}",
        f"Date: {to.date(reporter.now)}",
        f"Message-ID: <{reporter.message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f"Content-Transfer-Encoding: {'7bit' if is_ascii else '8bit'}",
        "Content-Type: multipart/report; report-type="
        + ("global-delivery-status" if original.is_international else "delivery-status")
        + f';\r\n boundary="{reporter.boundary}"',
        "",
        "This is a report in MIME format.",
        "",
    )


def _status_type(original: Original) -> str:
    return "message/global-delivery-status" if original.is_international else "message/delivery-status"


def _text_part(content_type: str, lines: Sequence[str]) -> bytes:
    text = _lines(*lines)
    encoding = "7bit" if text.isascii() else "8bit"
    return _lines(f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", "") + text


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"
