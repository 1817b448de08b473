"""NOTIFY (RFC 5465 §8)."""

from dataclasses import dataclass, field

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.fetch import BinarySection, BodySection, FetchAttribute, FetchItem
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name
from shared.protocol.imap.notify_command import (
    MESSAGE_EVENTS,
    NEW_AND_EXPUNGE,
    SELECTED_FILTERS,
    EventGroup,
    ImapNotify,
    NotifyEvent,
    NotifyFilter,
)
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.fetch import MAX_ITEMS, fetch_att
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.strings import astring, keyword
from shared.protocol.imap.response_code import badevent

MAX_GROUPS = 100
MAX_NAMES = 1000
"""Names of mailboxes in all groups of a command."""
_FILTERS = {chosen.value: chosen for chosen in NotifyFilter}
_NAMED = frozenset({NotifyFilter.SUBTREE, NotifyFilter.MAILBOXES})
_EVENTS = {event.value.upper(): event for event in NotifyEvent}


@dataclass(slots=True)
class _Events:
    names: list[NotifyEvent] = field(default_factory=list)
    items: tuple[FetchItem, ...] = ()


# notify = "NOTIFY" SP ("SET" [SP "STATUS"] SP event-groups / "NONE")
def notify(cursor: Cursor, tag: bytes) -> ImapNotify:
    cursor.space()
    match keyword(cursor):
        case b"NONE":
            return ImapNotify(tag)
        case b"SET":
            cursor.space()
            status = not cursor.looking_at(b"(")
            if status:
                if keyword(cursor) != b"STATUS":
                    raise ImapSyntaxError("Expected STATUS or an event group")
                cursor.space()
            return ImapNotify(tag, _groups(cursor), status)
        case _:
            raise ImapSyntaxError("Expected SET or NONE")


# event-groups = event-group *(SP event-group)
def _groups(cursor: Cursor) -> tuple[EventGroup, ...]:
    groups = [_group(cursor)]
    while cursor.accept(b" "):
        groups.append(_group(cursor))
        if len(groups) > MAX_GROUPS or sum(len(group.names) for group in groups) > MAX_NAMES:
            raise ImapSyntaxError("NOTIFY names too many mailboxes", condition="NO", code=b"NOTIFICATIONOVERFLOW")
    if sum(group.filter in SELECTED_FILTERS for group in groups) > 1:
        raise ImapSyntaxError("The selected mailbox is named twice")
    return tuple(groups)


# event-group = "(" filter-mailboxes SP events ")"
def _group(cursor: Cursor) -> EventGroup:
    cursor.expect(b"(")
    chosen = _FILTERS.get(keyword(cursor))
    if chosen is None:
        raise ImapSyntaxError("Unknown mailbox filter of NOTIFY")
    names: tuple[str, ...] = ()
    cursor.space()
    if chosen in _NAMED:
        names = _names(cursor)
        cursor.space()
    events = _events(cursor)
    cursor.expect(b")")
    group = EventGroup(chosen, names, frozenset(events.names), events.items)
    _check(group)
    return group


# one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
def _names(cursor: Cursor) -> tuple[str, ...]:
    several = cursor.looking_at(b"(")
    names = parenthesised(cursor, _name, MAX_NAMES) if several else [_name(cursor)]
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _name(cursor: Cursor) -> str | None:
    """A name; None for one that no mailbox can have, which is ignored like a missing mailbox (§3.1)."""
    try:
        return decode_mailbox_name(astring(cursor), cursor.utf8)
    except InvalidMailboxName:
        return None


# events = "(" event *(SP event) ")" / "NONE"
def _events(cursor: Cursor) -> _Events:
    events = _Events()
    if not cursor.looking_at(b"("):
        if keyword(cursor) != b"NONE":
            raise ImapSyntaxError("Expected events or NONE")
        return events
    cursor.expect(b"(")
    _event(cursor, events)
    while cursor.accept(b" "):
        _event(cursor, events)
        if len(events.names) > MAX_GROUPS:
            raise ImapSyntaxError("List is too long")
    cursor.expect(b")")
    return events


# message-event = "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")"] / "MessageExpunge" / "FlagChange" / ...
def _event(cursor: Cursor, events: _Events) -> None:
    event = _EVENTS.get(keyword(cursor))
    if event is None:
        raise ImapSyntaxError("Unknown event", condition="NO", code=badevent(known.value for known in NotifyEvent))
    events.names.append(event)
    if event is NotifyEvent.MESSAGE_NEW and cursor.accept(b" ("):
        cursor.pos -= 1
        items = [_without_effect(item) for item in parenthesised(cursor, fetch_att, MAX_ITEMS)]
        events.items = tuple(dict.fromkeys([FetchAttribute.UID, *items]))


def _without_effect(item: FetchItem) -> FetchItem:
    r"""The item as PEEK: a notification never sets \Seen."""
    match item:
        case BodySection(section, label, _, partial):
            return BodySection(section, label, True, partial)
        case BinarySection(part, label, _, partial):
            return BinarySection(part, label, True, partial)
        case _:
            return item


def _check(group: EventGroup) -> None:
    """Check which events go together (RFC 5465 §5)."""
    of_messages = group.events & MESSAGE_EVENTS
    if of_messages and not of_messages >= NEW_AND_EXPUNGE:
        raise ImapSyntaxError("MessageNew and MessageExpunge need each other, and FlagChange needs both")
    if group.filter in SELECTED_FILTERS:
        if group.events - MESSAGE_EVENTS:
            raise ImapSyntaxError("The selected mailbox has events of messages alone")
    elif group.items:
        raise ImapSyntaxError("Only messages of the selected mailbox can be fetched")
