"""The notification for the owner of an account whose mail waits because of a limit."""

from __future__ import annotations

import msgspec

from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice
from shared.protocol.dsn.text import plain
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import Language


class HeldMail(msgspec.Struct, frozen=True):
    """What of an account waits."""

    reason: str
    """The limit, in words."""
    mails: int
    until: int
    """When the last mail is released, in UTC microseconds; 0: an operator releases them."""


def subject(language: Language) -> str:
    """The subject of the notification."""
    return language.say("limit.subject")


def limit_notice(held: HeldMail, to: Addressee, reporter: Reporter) -> bytes:
    """The whole message with CRLF line ends."""
    paragraphs = (
        to.say("mail_system", host=reporter.host),
        to.say("limit.waits", reason=to.language.reason(plain(held.reason))),
        f"{_number(held, to)} {to.say('limit.once')}",
        to.say("limit.not_you"),
    )
    return plain_notice(to, subject(to.language), paragraphs, reporter)


def _number(held: HeldMail, to: Addressee) -> str:
    number = "one" if held.mails == 1 else "many"
    if not held.until:
        return to.say(f"limit.{number}_held", mails=held.mails)
    return to.say(f"limit.{number}_until", mails=held.mails, moment=to.moment(held.until))
