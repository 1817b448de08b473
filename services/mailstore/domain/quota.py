"""The quota of an account: what fits into it, and when its owner is warned (RFC 9208)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.mailstore.domain.decide import MailboxRefused

WARNED_AT = (95, 80)
"""The per cent of a quota at which the owner is warned."""
_CLEARLY_BELOW = 5
"""Per cent by which the use must fall below a warning before the same warning is given again."""
_GRACE = 10
"""Per cent of the quota that a copy to Trash, and mail to postmaster, may use beyond it."""


class Usage(NamedTuple):
    """What an account holds, or what is added to it."""

    octets: int
    messages: int

    def plus(self, other: Usage) -> Usage:
        """The sum of both."""
        return Usage(self.octets + other.octets, self.messages + other.messages)


class QuotaLimits(msgspec.Struct, frozen=True):
    """What an account may hold; 0: no limit."""

    octets: int = 0
    messages: int = 0

    @property
    def is_set(self) -> bool:
        """Whether there is a limit."""
        return bool(self.octets or self.messages)

    def with_grace(self) -> QuotaLimits:
        """The limits of what must not be refused at once: they end as well, so that nothing grows without an end."""
        return QuotaLimits(_with_grace(self.octets), _with_grace(self.messages))

    def percent(self, used: Usage) -> int:
        """How much of the fuller limit is used, in whole per cent."""
        parts = (used.octets, self.octets), (used.messages, self.messages)
        return max((100 * part // limit for part, limit in parts if limit), default=0)


def check_quota(used: Usage, more: Usage, limits: QuotaLimits) -> None:
    """Check that `more` fits into the quota. Raises MailboxRefused OVERQUOTA."""
    if limits.octets and more.octets > limits.octets:
        raise MailboxRefused(
            "OVERQUOTA", f"{more.octets} octets are more than the whole quota of {limits.octets} octets"
        )
    for what, is_used, added, limit in (
        ("octets", used.octets, more.octets, limits.octets),
        ("messages", used.messages, more.messages, limits.messages),
    ):
        if limit and is_used + added > limit:
            text = f"the mailbox is full: {is_used} of {limit} {what} are used, {added} more do not fit"
            raise MailboxRefused("OVERQUOTA", text)


def warning_after(previous: int, percent: int) -> int:
    """The warning in force (a member of WARNED_AT, or 0) when so much is used.

    It rises at once, and falls when the use is clearly below it.
    """
    reached = next((level for level in WARNED_AT if percent >= level), 0)
    if reached >= previous:
        return reached
    return next((level for level in WARNED_AT if level <= previous and percent >= level - _CLEARLY_BELOW), 0)


def _with_grace(limit: int) -> int:
    return limit - -limit * _GRACE // 100
