"""Notifications in plain words for users of this server, which are no reports on a delivery."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.text import moment, plain

_WIDTH = 78


def plain_notice(to: str, subject: str, paragraphs: Iterable[str], reporter: Reporter) -> bytes:
    """The whole message with CRLF line ends: plain text, and marked as written by a program (RFC 3834 §5)."""
    lines = [
        f"From: Mail System <{plain(reporter.author)}>",
        f"To: <{plain(to)}>",
        f"Subject: {subject}",
        f"Date: {moment(reporter.now)}",
        f"Message-ID: <{reporter.message_id}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        *_wrapped(paragraphs),
    ]
    return "\r\n".join(lines).encode("utf-8", "replace")


def _wrapped(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""
