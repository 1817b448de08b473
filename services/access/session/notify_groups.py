"""Which events of which mailboxes a client has asked for (RFC 5465 §6)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.imap.mailbox_name import SEPARATOR
from shared.protocol.imap.notify_command import SELECTED_FILTERS, EventGroup, NotifyEvent, NotifyFilter

_NOTHING: frozenset[NotifyEvent] = frozenset()
_EVERY_MAILBOX = frozenset({NotifyFilter.PERSONAL, NotifyFilter.INBOXES})
"""Scripts may deliver into any mailbox, so all mailboxes of the account are inboxes (§6.2)."""


class NotifyGroups:
    """The groups of one NOTIFY SET; none after NOTIFY NONE."""

    def __init__(self, groups: Sequence[EventGroup]) -> None:
        self.selected = next((group for group in groups if group.filter in SELECTED_FILTERS), None)
        """The group of the selected mailbox; without one it is silent."""
        self._others = [group for group in groups if group.filter not in SELECTED_FILTERS]
        self._events = frozenset(event for group in self._others for event in group.events)

    @property
    def concerns_others(self) -> bool:
        """Whether any event of mailboxes that are not selected is asked for."""
        return bool(self._events)

    @property
    def of_server(self) -> bool:
        """Whether changed annotations of the server are asked for; no filter concerns them (§5.7)."""
        return NotifyEvent.SERVER_METADATA_CHANGE in self._events

    @property
    def of_metadata(self) -> bool:
        """Whether changed annotations of mailboxes are asked for."""
        return NotifyEvent.MAILBOX_METADATA_CHANGE in self._events

    def events_of(self, name: str, *, subscribed: bool) -> frozenset[NotifyEvent]:
        """The events that are asked for of a mailbox: those of the first group that names it."""
        for group in self._others:
            if _concerns(group, name, subscribed=subscribed):
                return group.events
        return _NOTHING


def _concerns(group: EventGroup, name: str, *, subscribed: bool) -> bool:
    match group.filter:
        case NotifyFilter.SUBSCRIBED:
            return subscribed
        case NotifyFilter.MAILBOXES:
            return name in group.names
        case NotifyFilter.SUBTREE:
            return any(name == top or name.startswith(top + SEPARATOR) for top in group.names)
        case _:
            return group.filter in _EVERY_MAILBOX
