"""The notification for the owner of an account that uses much of its quota."""

from __future__ import annotations

from services.mailstore.domain.quota import QuotaLimits, Usage
from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice
from shared.protocol.languages.addressee import Addressee
from shared.protocol.languages.language import Language

_UNITS = ("octets", "KiB", "MiB", "GiB", "TiB", "PiB")


def subject(percent: int, language: Language) -> str:
    """The subject for a warning."""
    return language.say("quota.subject", percent=percent)


def quota_notice(percent: int, used: Usage, limits: QuotaLimits, to: Addressee, reporter: Reporter) -> bytes:
    """The whole message with CRLF line ends. The time of the reporter is that of the warning."""
    level = to.say("quota.level", percent=percent, used=_used(used, limits, to))
    paragraphs = (
        to.say("mail_system", host=reporter.host),
        f"{level} {to.say('quota.at', moment=to.moment(reporter.now))}",
        to.say("quota.consequence"),
        to.say("quota.once"),
    )
    return plain_notice(to, subject(percent, to.language), paragraphs, reporter)


def _used(used: Usage, limits: QuotaLimits, to: Addressee) -> str:
    parts = []
    if limits.octets:
        sizes = _size(used.octets, to.language), _size(limits.octets, to.language)
        parts.append(to.say("quota.of", used=sizes[0], limit=sizes[1]))
    if limits.messages:
        parts.append(to.say("quota.messages", used=used.messages, limit=limits.messages))
    return to.say("both", first=parts[0], second=parts[1]) if len(parts) > 1 else "".join(parts)


def _size(octets: int, language: Language) -> str:
    """A size for people, with one decimal."""
    power = min(max(octets.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    if not power:
        return language.say("octets", number=octets)
    return f"{octets / 1024**power:.1f} {_UNITS[power]}".replace(".", language.say("decimal_mark"))
