"""Follows a message through mailboxes: which later events affect it, and where they put it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

Ranges = tuple[tuple[int, int], ...]


class MessagePlace(NamedTuple):
    """A place of a message: its mailbox and UID."""

    mailbox: str
    uid: int


class Arrival(NamedTuple):
    """A message that entered a mailbox by delivery or APPEND."""

    place: MessagePlace
    entry: str
    content: str
    message_id: str


class PlaceChange(NamedTuple):
    """The effect of an event on a message: an additional place, and whether the message left its former place."""

    reached: MessagePlace | None = None
    left: bool = False
    is_removed: bool = False
    """Whether it was removed, and may be brought back by an event about its former place alone."""


class _Entry(msgspec.Struct, frozen=True):
    entry: str = ""
    uid: int = 0
    content: str = ""
    message_id: str = ""


class _ArrivalEvent(msgspec.Struct, frozen=True):
    mailbox: str
    entry: _Entry | None = None
    entries: tuple[_Entry, ...] = ()


class _ChangeEvent(msgspec.Struct, frozen=True):
    mailbox: str = ""
    source: str = ""
    target: str = ""
    uids: Ranges = ()
    first_uid: int = 0


_ARRIVALS = frozenset({"message.delivered", "message.appended"})
RESTORED = "message.restored"
_LEAVING = frozenset({"message.moved", RESTORED})
_REMOVED = frozenset({"message.expunged", "message.expired", "message.fetched_away"})
_CHANGES = frozenset({"message.flags_changed", "message.own_seen_changed", "message.copied", *_LEAVING, *_REMOVED})
_arrival = msgspec.json.Decoder(_ArrivalEvent)
_change = msgspec.json.Decoder(_ChangeEvent)


def arrivals(event_type: str, data: bytes) -> list[Arrival]:
    """The messages that an event added to a mailbox from outside; none when the data cannot be decoded."""
    if event_type not in _ARRIVALS:
        return []
    try:
        event = _arrival.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    entries = (event.entry, *event.entries) if event.entry else event.entries
    return [
        Arrival(MessagePlace(event.mailbox, entry.uid), entry.entry, entry.content, entry.message_id)
        for entry in entries
    ]


def change_at(event_type: str, data: bytes, place: MessagePlace) -> PlaceChange | None:
    """The effect of an event on the message at this place; None when it did not affect the message."""
    if event_type == "mailbox.deleted":
        return PlaceChange(is_removed=True)
    if event_type not in _CHANGES:
        return None
    try:
        event = _change.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    number = _number(event.uids, place.uid)
    if number is None:
        return None
    reached = MessagePlace(event.target, event.first_uid + number) if event.target else None
    return PlaceChange(reached, event_type in _LEAVING, event_type in _REMOVED)


def _number(ranges: Ranges, uid: int) -> int | None:
    """The number of UIDs in the ranges before this one; None when it is not among them."""
    before = 0
    for first, last in ranges:
        if first <= uid <= last:
            return before + uid - first
        before += last - first + 1
    return None
