"""A question to the log, folded, and what passes it. Every engine narrows by the same values."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.eventlog.domain.fields import SearchFields, folded
from services.eventlog.domain.keys import bare
from services.eventlog.domain.words import says, text_of

_IN_OCTETS = ("domains", "remotes", "rules")
"""Fields whose values stand in the event as they are."""
_PLAIN = re.compile(r"[a-z0-9._@:-]+")
"""A value that JSON does not escape, and whose capitals are one octet each."""


class LogQuestion(NamedTuple):
    """What an event must be. An empty field asks for nothing."""

    type: str = ""
    """A stored name, or an area."""
    service: str = ""
    text: str = ""
    domain: str = ""
    account: str = ""
    address: str = ""
    remote: str = ""
    message_id: str = ""
    queue_id: str = ""
    result: str = ""
    rule: str = ""

    def terms(self) -> list[tuple[str, str]]:
        """The fields of an event and the values that must be in them."""
        pairs = (
            ("mail", self.queue_id),
            ("mail", bare(self.message_id)),
            ("who", self.account),
            ("who", self.address),
            ("domains", self.domain),
            ("remotes", self.remote),
            ("results", self.result),
            ("rules", self.rule),
        )
        return [(name, folded(value)) for name, value in pairs if value.strip()]


def fits(fields: SearchFields, terms: list[tuple[str, str]]) -> bool:
    """Whether an event has every value."""
    return all(value in getattr(fields, name) for name, value in terms)


def may_fit(actor: str, data: bytes, terms: list[tuple[str, str]]) -> bool:
    """A quick look that refuses most events: whether the plain values are in the octets of the event."""
    sought = [value.encode() for name, value in terms if name in _IN_OCTETS and _PLAIN.fullmatch(value)]
    if not sought:
        return True
    octets = actor.encode().lower() + data.lower()
    return all(value in octets for value in sought)


def mentions(event_type: str, stream: str, actor: str, data: bytes, sought: str) -> bool:
    """Whether an event says a text. The look at the octets is quick, and refuses nearly all."""
    head = f"{event_type} {stream} {actor} ".encode()
    octets = (head + data).decode(errors="replace").casefold()
    first = sought.strip().casefold().split(maxsplit=1)[0]
    return _has_runs(first, octets) and says(text_of(event_type, stream, actor, data), sought)


def _has_runs(word: str, octets: str) -> bool:
    """Whether the longest run of letters and digits of a word is there; JSON escapes other characters."""
    runs = "".join(sign if sign.isalnum() else " " for sign in word).split()
    return all(run in octets for run in runs)
