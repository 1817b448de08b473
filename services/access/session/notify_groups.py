"""Which events of which mailboxes a client has asked for (RFC 5465 §6)."""

from __future__ import annotations

from collections.abc import Sequence

from services.access.session.known_mailboxes import KnownMailbox
from services.access.session.namespaces import Namespaces
from shared.protocol.imap.mailbox_name import ancestors
from shared.protocol.imap.notify_command import SELECTED_FILTERS, EventGroup, NotifyEvent, NotifyFilter

_NOTHING: frozenset[NotifyEvent] = frozenset()
_NONE = 1 << 62
"""The number of no group."""
_NAMED = frozenset({NotifyFilter.MAILBOXES, NotifyFilter.SUBTREE})


class NotifyGroups:
    """The groups of one NOTIFY SET; none after NOTIFY NONE."""

    def __init__(self, groups: Sequence[EventGroup]) -> None:
        self.selected = next((group for group in groups if group.filter in SELECTED_FILTERS), None)
        """The group of the selected mailbox; without one it is silent."""
        self._others = [group for group in groups if group.filter not in SELECTED_FILTERS]
        self._named: dict[str, int] = {}
        self._trees: dict[str, int] = {}
        self._unnamed: dict[NotifyFilter, int] = {}
        for number, group in enumerate(self._others):
            if group.filter in _NAMED:
                places = self._named if group.filter is NotifyFilter.MAILBOXES else self._trees
                for name in group.names:
                    places.setdefault(name, number)
            else:
                self._unnamed.setdefault(group.filter, number)
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

    def may_concern_shared(self, namespaces: Namespaces) -> bool:
        """Whether mailboxes of other accounts may be among those of which events are asked for."""
        return any(
            group.filter is NotifyFilter.SUBSCRIBED
            or (group.filter in _NAMED and any(namespaces.foreign(name) is not None for name in group.names))
            for group in self._others
            if group.events
        )

    def events_of(self, mailbox: KnownMailbox, *, subscribed: bool) -> frozenset[NotifyEvent]:
        """The events that are asked for of a mailbox: those of the first group that concerns it."""
        return self.events_of_name(mailbox.name, mailbox.filters, subscribed=subscribed)

    def events_of_name(
        self, name: str, filters: frozenset[NotifyFilter], *, subscribed: bool
    ) -> frozenset[NotifyEvent]:
        """The same for a name, and the filters without names that concern it. The work does not grow with the groups,
        of which a client may send thousands."""
        first = min(
            self._named.get(name, _NONE),
            *(self._trees.get(top, _NONE) for top in (name, *ancestors(name))),
            *(self._unnamed.get(kind, _NONE) for kind in filters),
            self._unnamed.get(NotifyFilter.SUBSCRIBED, _NONE) if subscribed else _NONE,
        )
        return self._others[first].events if first != _NONE else _NOTHING
