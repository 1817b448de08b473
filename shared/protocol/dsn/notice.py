"""Notifications in plain words for users of this server, which are no reports on a delivery."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.text import plain, unstructured
from shared.protocol.languages.addressee import Addressee

_WIDTH = 78


def plain_notice(
    to: Addressee, subject: str, paragraphs: Iterable[str], reporter: Reporter, fields: Iterable[str] = ()
) -> bytes:
    """The whole message with CRLF line ends: plain text, and marked as written by a program (RFC 3834 §5).

    The subject and the paragraphs are in the language of the addressee. `fields` are further lines of its header.
    """
    lines = [
        f"From: {to.say('author.notice')} <{plain(reporter.author)}>",
        f"To: {to.mailbox}",
        f"Subject: {unstructured(subject)}",
        f"Date: {to.date(reporter.now)}",
        f"Message-ID: <{reporter.message_id}>",
        "Auto-Submitted: auto-generated",
        *fields,
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        *_wrapped((*to.greeting(), *paragraphs)),
    ]
    return "\r\n".join(lines).encode("utf-8", "replace")


def _wrapped(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""
