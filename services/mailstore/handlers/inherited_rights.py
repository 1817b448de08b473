"""The rights that a new mailbox takes from the mailbox above it (RFC 4314 §3, CREATE)."""

from __future__ import annotations

from collections.abc import Sequence

from services.mailstore.domain import access_list
from shared.events.mailbox import MailboxCreated
from shared.events.metadata import AnnotationsChanged, AnnotationValue
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event
from shared.protocol.imap.entry_name import OWN_SEEN, SEEN_ENTRY
from shared.protocol.imap.mailbox_name import ancestors, canonical_name

_LIST_BY_NAME = (
    "SELECT mailbox_right.identifier, mailbox_right.rights FROM mailbox LEFT JOIN mailbox_right"
    " ON mailbox_right.mailbox = mailbox.id WHERE mailbox.account = ? AND mailbox.name = ?"
)

_HAS_OWN_SEEN = (
    "SELECT 1 FROM mailbox JOIN own_seen_reader ON own_seen_reader.mailbox = mailbox.id AND own_seen_reader.reader = ''"
    " WHERE mailbox.account = ? AND mailbox.name = ?"
)


def inherited_rights(reader: Reader, account: str, name: str, made: Sequence[Event]) -> list[Event]:
    """The lists of mailboxes that are being made: each has that of the nearest one above which is there already."""
    for above in reversed(ancestors(canonical_name(name))):
        rows = reader.all(_LIST_BY_NAME, (account, above))
        if rows:
            entries = {identifier: rights for identifier, rights in rows if identifier is not None}
            new = [event.mailbox.id for event in made if isinstance(event, MailboxCreated)]
            rights = [event for mailbox in new for event in access_list.inherit(account, mailbox, entries)]
            return [*rights, *_inherited_seen(reader, account, above, new)]
    return []


def _inherited_seen(reader: Reader, account: str, above: str, new: Sequence[str]) -> list[Event]:
    r"""Where \Seen is each user's own in the mailbox above, it is so in the new ones."""
    if not reader.first_row(_HAS_OWN_SEEN, (account, above)):
        return []
    value = (AnnotationValue(SEEN_ENTRY, OWN_SEEN),)
    return [AnnotationsChanged(account, mailbox, value) for mailbox in new]
