"""Charts of events: what an event counts for, how long mails waited, and the bars of hours or days.

Waits are counted in classes, each a tenth wider than the one before, so that every engine gives the same quantiles.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.eventlog.domain.fields import decoded, objects, reason_of

HOUR, DAY = 3_600_000_000, 86_400_000_000
MOST_BARS = 800
MOST_REASONS = 50
_STEP = math.log(1.1)
_COUNTED = {
    "mail.received": "received",
    "mail.submitted": "submitted",
    "message.delivered": "stored",
    "outbound.delivered": "sent",
    "outbound.deferred": "deferred",
    "outbound.bounced": "bounced",
    "outbound.expired": "bounced",
}
REFUSED, CLASSIFIED = "mail.refused", "mail.classified"
CHARTED = (*_COUNTED, REFUSED, CLASSIFIED)
"""The types of events that charts are made of."""
RECEPTIONS = ("mail.received", "mail.submitted")
WAITED = {"message.delivered": "stored", "outbound.delivered": "sent"}
"""The types of events until which a mail has waited, and the name of the wait."""


class Addition(NamedTuple):
    """What one event adds to a chart."""

    name: str = ""
    """The count that it adds to; empty: none."""
    number: int = 0
    reasons: tuple[str, ...] = ()


class Bar:
    """What happened in an hour or a day."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.waits: dict[str, Counter[int]] = {"stored": Counter(), "sent": Counter()}

    def add(self, counted: Addition, waited: tuple[str, int] | None) -> None:
        """Add one event, with the wait that ended with it and its class."""
        if counted.name:
            self.counts[counted.name] += counted.number
        self.reasons.update(counted.reasons)
        if waited is not None:
            self.waits[waited[0]][waited[1]] += 1

    def frequent_reasons(self) -> list[tuple[str, int]]:
        """The most frequent reasons of refusals."""
        return sorted(self.reasons.items(), key=lambda row: (-row[1], row[0]))[:MOST_REASONS]


def counted(event_type: str, data: bytes) -> Addition:
    """What an event adds."""
    if event_type in _COUNTED:
        return Addition(_COUNTED[event_type], 1)
    if event_type == CLASSIFIED:
        verdict = decoded(data).get("verdict")
        return Addition("spam", 1) if isinstance(verdict, dict) and verdict.get("spam") else Addition()
    if event_type == REFUSED:
        values = decoded(data)
        refusals, more = objects(values.get("refusals")), values.get("more")
        number = len(refusals) + (more if isinstance(more, int) else 0)
        return Addition("refused", number, tuple(sorted({reason_of(refusal) for refusal in refusals})))
    return Addition()


def wait_class(microseconds: int) -> int:
    """The class of a wait."""
    milliseconds = max(microseconds, 0) / 1000
    return 0 if milliseconds < 1 else 1 + int(math.log(milliseconds) / _STEP)


def quantile(classes: Mapping[int, int], part: float) -> float:
    """The milliseconds within which this part of the waits ended; 0.0 without waits."""
    rank, total = math.ceil(part * sum(classes.values())), 0
    for number in sorted(classes):
        total += classes[number]
        if total >= rank:
            return round(math.exp(number * _STEP), 1) if number else 1.0
    return 0.0


def bars(since: int, until: int, width: int) -> dict[int, Bar]:
    """Empty bars from `since` to `until`, by their begin. More than MOST_BARS are the caller's mistake."""
    first = since - since % width
    return {at: Bar(at) for at in range(first, until, width)}


def number_of_bars(since: int, until: int, width: int) -> int:
    """How many bars there are between two times."""
    return max(0, -(-(until - (since - since % width)) // width))


def in_order(drawn: Mapping[int, Bar]) -> Iterable[Bar]:
    """The bars, oldest first."""
    return (drawn[at] for at in sorted(drawn))
