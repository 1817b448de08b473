"""Filters of mailboxes (RFC 5465 §8, RFC 7377 §3)."""

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.mailbox_filter import NAMED, MailboxFilter, MailboxScope
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.strings import astring, keyword

_SCOPES = {scope.value: scope for scope in MailboxScope}


# filter-mailboxes = "selected" / "selected-delayed" / "inboxes" / "personal" / "subscribed"
#                  / ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox
def mailbox_filter(cursor: Cursor) -> MailboxFilter:
    """One filter. Raises ImapSyntaxError."""
    scope = _SCOPES.get(keyword(cursor))
    if scope is None:
        raise ImapSyntaxError("Unknown choice of mailboxes")
    if scope not in NAMED:
        return MailboxFilter(scope)
    cursor.space()
    # one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
    names = parenthesised(cursor, _name) if cursor.looking_at(b"(") else [_name(cursor)]
    return MailboxFilter(scope, tuple(dict.fromkeys(name for name in names if name is not None)))


def _name(cursor: Cursor) -> str | None:
    try:
        return decode_mailbox_name(astring(cursor), cursor.utf8)
    except InvalidMailboxName:
        return None
