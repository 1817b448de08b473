"""How long messages stay in a mailbox: the rule in force, and when a message goes.

A rule is given for a mailbox, for a domain and for the server; the nearest counts. A message goes so many days after it
came into the mailbox (SAVEDATE, RFC 8514). A rule that is switched on or shortened gives the messages that are there
its days from then, so it never removes anything at once.
"""

from __future__ import annotations

from typing import Final

import msgspec

DAY: Final = 86_400_000_000
"""Microseconds."""
MOST_DAYS: Final = 36_500
INHERITED: Final = -1
"""In place of days: the next wider rule counts."""
NEVER: Final = 0
"""In place of days: messages stay."""


class ExpiryRule(msgspec.Struct, frozen=True):
    """Days, INHERITED or NEVER, and since when, in UTC microseconds."""

    days: int = INHERITED
    since: int = 0

    def changed(self, days: int, at: int) -> ExpiryRule:
        """The rule after a change at a time. Only a longer time in place of a shorter one keeps its beginning."""
        is_longer = days > self.days > NEVER
        return self if days == self.days else ExpiryRule(days, self.since if is_longer else at)

    def within(self, wider: ExpiryRule) -> ExpiryRule:
        """The rule in force, where `wider` is the one that it may inherit."""
        return self if self.days != INHERITED else ExpiryRule(wider.days, max(self.since, wider.since))

    def goes_at(self, saved: int) -> int:
        """When a message goes that came into the mailbox at `saved`; 0: never."""
        return max(saved, self.since) + self.days * DAY if self.days > NEVER else 0

    def saved_until(self, now: int) -> int:
        """Messages that came into the mailbox until then have gone by now; 0: none."""
        until = now - self.days * DAY
        return until if self.days > NEVER and self.since <= until else 0


def days_of(text: str) -> int:
    """Days from a text such as `30`, `never` or `default`. Raises ValueError with a sentence for the operator."""
    word = text.strip().lower()
    if word in ("never", "default"):
        return NEVER if word == "never" else INHERITED
    if not (word.isascii() and word.isdigit()) or len(word) > 5 or not 0 < int(word) <= MOST_DAYS:
        raise ValueError(f"{text!r} is no number of days from 1 to {MOST_DAYS}, and neither `never` nor `default`")
    return int(word)


def text_of(days: int) -> str:
    """The text that `days_of` reads."""
    return {NEVER: "never", INHERITED: "default"}.get(days) or str(days)
