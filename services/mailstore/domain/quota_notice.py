"""The notification for the owner of an account that uses much of its quota."""

from __future__ import annotations

from services.mailstore.domain.quota import QuotaLimits, Usage
from shared.protocol.dsn.content import Reporter
from shared.protocol.dsn.notice import plain_notice

SUBJECT = "Your mailbox is {percent} % full"
_UNITS = ("octets", "KiB", "MiB", "GiB", "TiB", "PiB")


def subject(percent: int) -> str:
    """The subject for a warning."""
    return SUBJECT.format(percent=percent)


def quota_notice(percent: int, used: Usage, limits: QuotaLimits, to: str, reporter: Reporter) -> bytes:
    """The whole message with CRLF line ends."""
    parts = []
    if limits.octets:
        parts.append(f"{_size(used.octets)} of {_size(limits.octets)}")
    if limits.messages:
        parts.append(f"{used.messages} of {limits.messages} messages")
    paragraphs = (
        f"This is the mail system at {reporter.host}.",
        f"Your mailbox is more than {percent} % full: {' and '.join(parts)} are used.",
        "When it is full, mail to you is refused, and its senders are told so. Delete messages that you do not need, "
        "also from Trash and Spam, or ask the operator of this server for more room.",
        "You get this message once, and again only after your mailbox had clearly more room.",
    )
    return plain_notice(to, subject(percent), paragraphs, reporter)


def _size(octets: int) -> str:
    """A size for people, with one decimal."""
    power = min(max(octets.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{octets} octets" if not power else f"{octets / 1024**power:.1f} {_UNITS[power]}"
