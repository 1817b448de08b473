"""Which mailboxes of an account changed after a version, read from its events: the work grows with the changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from services.mailstore.domain.state import MailboxState
from services.mailstore.handlers import load, queries
from services.mailstore.projections.all_mail import of_account
from shared.events.all_mail_mailbox import AllMailMade
from shared.events.mailbox import AccountOpened, MailboxCreated, MailboxRenamed, MailboxSubscribed
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Event, decode

_EVENTS_READ = 200
_OCTETS_READ = 64 * 1024
"""Octets of an event that is decoded: one that names some thousand ranges or messages."""
_EVENTS = (
    "SELECT type, schema, CASE WHEN length(data) <= ? THEN data END FROM event WHERE stream = ? AND version > ?"
    " AND version <= ? ORDER BY version LIMIT ?"
)
_PLACES = ("mailbox", "source", "target")
"""The fields in which events name mailboxes by id."""


class ChangedMailboxes(NamedTuple):
    """What changed up to a version."""

    version: int
    whole: bool = False
    """Whether this is not known in detail: much has changed, or its events are no longer there."""
    mailboxes: tuple[MailboxState, ...] = ()
    gone: tuple[str, ...] = ()
    """The ids of mailboxes that are no longer there."""
    subscriptions: tuple[tuple[str, bool], ...] = ()
    events: int = 0
    """How many events were read."""


def changed_mailboxes(reader: Reader, account: str, since: int) -> ChangedMailboxes:
    """The mailboxes that changed after a version, as they are now."""
    version = queries.version_of(reader, account)
    rows = reader.all(_EVENTS, (_OCTETS_READ, account, since, version, _EVENTS_READ + 1))
    if len(rows) != version - since or len(rows) > _EVENTS_READ or any(row[2] is None for row in rows):
        return ChangedMailboxes(version, version != since, events=len(rows))
    events = [_decoded(row) for row in rows]
    if any(isinstance(event, AccountOpened | MailboxRenamed) for event in events):  # several names at once
        return ChangedMailboxes(version, whole=True, events=len(rows))
    touched = dict.fromkeys(mailbox for event in events for mailbox in _touched(event))
    if any(touched):  # events name the mailboxes of messages, and All Mail changes with them
        touched.setdefault(of_account(reader, account))
    states = {mailbox: load.mailbox_if_any(reader, account, mailbox, "") for mailbox in touched if mailbox}
    subscriptions = {event.name: event.subscribed for event in events if isinstance(event, MailboxSubscribed)}
    return ChangedMailboxes(
        version,
        mailboxes=tuple(state for present in states.values() for state in present),
        gone=tuple(mailbox for mailbox, present in states.items() if not present),
        subscriptions=tuple(subscriptions.items()),
        events=len(rows),
    )


def _decoded(row: Row) -> Event:
    kind, schema, data = row
    return decode(kind, schema, bytes(data))


def _touched(event: Event) -> Iterable[str]:
    if isinstance(event, MailboxCreated | AllMailMade):
        return (event.mailbox.id,)
    named = (getattr(event, place, "") for place in _PLACES)
    return [mailbox for mailbox in named if isinstance(mailbox, str)]
