"""APPEND, read piece by piece while its messages arrive (RFC 3501 §6.3.11, RFC 3502)."""

import re

from shared.protocol.imap.commands import Append, AppendMessage
from shared.protocol.imap.dates import parse_date_time
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.mailboxes import mailbox
from shared.protocol.imap.parse.sets import flag_list

_DATE_TIME = re.compile(rb'"[^"\\\r\n]*"')


# append = "APPEND" SP mailbox 1*append-message           ; RFC 3502
def append_head(cursor: Cursor, tag: bytes) -> Append:
    cursor.space()
    name = mailbox(cursor)
    return Append(tag, name, append_message(cursor))


def append_without_message(cursor: Cursor, tag: bytes) -> Append:
    """Refuse an APPEND that arrives as a complete command: it has announced no message."""
    append_head(cursor, tag)
    raise ImapSyntaxError("APPEND needs a message literal")


# append-message = append-opts SP append-data
# append-opts = [SP flag-list] [SP date-time]
def append_message(cursor: Cursor) -> AppendMessage:
    """The options before a message literal, whose marker the framer has removed."""
    cursor.space()
    flags: tuple[str, ...] = ()
    date = None
    if cursor.looking_at(b"("):
        flags = flag_list(cursor)
        cursor.space()
    if cursor.looking_at(b'"'):
        date = parse_date_time(cursor.need(_DATE_TIME, "Invalid date-time")[1:-1])
        cursor.space()
    return AppendMessage(flags, date)
