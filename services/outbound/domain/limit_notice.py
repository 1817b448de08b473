"""The notification for the owner of an account whose mail waits because of a limit."""

from __future__ import annotations

import msgspec

from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice
from shared.protocol.dsn.text import moment, plain

SUBJECT = "Mail to other servers waits: your account is above a limit"


class HeldMail(msgspec.Struct, frozen=True):
    """What of an account waits."""

    reason: str
    """The limit, in words."""
    mails: int
    until: int
    """When the last mail is released, in UTC microseconds; 0: an operator releases them."""


def limit_notice(held: HeldMail, to: str, reporter: Reporter) -> bytes:
    """The whole message with CRLF line ends."""
    return plain_notice(to, SUBJECT, _paragraphs(held, reporter.host), reporter)


def _paragraphs(held: HeldMail, host: str) -> tuple[str, ...]:
    number = "One mail" if held.mails == 1 else f"{held.mails} mails"
    waits = "waits" if held.mails == 1 else "wait"
    leave = f"the last leaves at {moment(held.until)}" if held.until else "the operator of this server releases them"
    return (
        f"This is the mail system at {host}.",
        f"Mail that you sent to other servers waits here, because {plain(held.reason)}.",
        f"{number} {waits} at present; {leave}. Nothing is lost, and you need not send anything again. What you send "
        "meanwhile may wait as well. You get this message once, and not again on the same day.",
        "If you did not send so much mail, somebody else may be using your account: change your password, and ask "
        "the operator of this server for help.",
    )
