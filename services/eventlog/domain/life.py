"""Following a message through its mailboxes: which later facts concern it, and where they put it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

Ranges = tuple[tuple[int, int], ...]


class Place(NamedTuple):
    """Where a message lies: its mailbox and UID."""

    mailbox: str
    uid: int


class Landing(NamedTuple):
    """A message that entered a mailbox by delivery or APPEND."""

    place: Place
    entry: str
    content: str
    message_id: str


class Step(NamedTuple):
    """What one fact did to a message: where it is now besides, and whether it left the place it was in."""

    reached: Place | None = None
    left: bool = False


class _Entry(msgspec.Struct, frozen=True):
    entry: str = ""
    uid: int = 0
    content: str = ""
    message_id: str = ""


class _Arrival(msgspec.Struct, frozen=True):
    mailbox: str
    entry: _Entry | None = None
    entries: tuple[_Entry, ...] = ()


class _Change(msgspec.Struct, frozen=True):
    mailbox: str = ""
    source: str = ""
    target: str = ""
    uids: Ranges = ()
    first_uid: int = 0


_ARRIVALS = frozenset({"message.delivered", "message.appended"})
_LEAVING = frozenset({"message.moved", "message.expunged"})
_CHANGES = frozenset({"message.flags_changed", "message.copied", *_LEAVING})
_arrival = msgspec.json.Decoder(_Arrival)
_change = msgspec.json.Decoder(_Change)


def landings(fact_type: str, data: bytes) -> list[Landing]:
    """The messages that a fact put into a mailbox from outside. Data that cannot be read gives none."""
    if fact_type not in _ARRIVALS:
        return []
    try:
        fact = _arrival.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    entries = (fact.entry, *fact.entries) if fact.entry else fact.entries
    return [Landing(Place(fact.mailbox, entry.uid), entry.entry, entry.content, entry.message_id) for entry in entries]


def happened(fact_type: str, data: bytes, place: Place) -> Step | None:
    """What a fact about this mailbox did to the message at a place of it; None when it did not concern the message."""
    if fact_type == "mailbox.deleted":
        return Step(left=True)
    if fact_type not in _CHANGES:
        return None
    try:
        fact = _change.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    number = _number(fact.uids, place.uid)
    if number is None:
        return None
    reached = Place(fact.target, fact.first_uid + number) if fact.target else None
    return Step(reached, fact_type in _LEAVING)


def _number(ranges: Ranges, uid: int) -> int | None:
    """How many UIDs of the ranges come before this one; None when it is not among them."""
    before = 0
    for first, last in ranges:
        if first <= uid <= last:
            return before + uid - first
        before += last - first + 1
    return None
