"""GETMETADATA and SETMETADATA (RFC 5464 §5)."""

import re

from shared.protocol.imap.commands import GetMetadata, SetMetadata
from shared.protocol.imap.entry_name import Depth, InvalidEntryName, entry_base, entry_name
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.strings import astring, keyword, nstring, utf8_text

_MOST_ENTRIES = 1000
_NUMBER = re.compile(rb"[0-9]{1,10}(?![0-9])")
_LITERAL8 = re.compile(rb"~\{([0-9]{1,18})\+?\}\r\n")
_DEPTHS = {depth.value: depth for depth in Depth}
_Option = tuple[bytes, int | Depth]


# getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
def get_metadata(cursor: Cursor, tag: bytes) -> GetMetadata:
    """The options may also stand behind the mailbox, as in the examples of §4.2.1 and §4.2.2."""
    cursor.space()
    options: list[_Option] = []
    if cursor.looking_at(b"("):
        options += _options(cursor)
    mailbox = _mailbox(cursor)
    cursor.space()
    if not options and cursor.looking_at(b"(") and not cursor.looking_at(b"(/") and not cursor.looking_at(b'("'):
        options += _options(cursor)
    depth, most = Depth.EXACT, None
    for _, value in options:
        if isinstance(value, Depth):
            depth = value
        else:
            most = value
    return GetMetadata(tag, mailbox, entries(cursor), depth, most)


# setmetadata = "SETMETADATA" SP mailbox SP entry-values
def set_metadata(cursor: Cursor, tag: bytes) -> SetMetadata:
    cursor.space()
    mailbox = _mailbox(cursor)
    cursor.space()
    return SetMetadata(tag, mailbox, tuple(parenthesised(cursor, _entry_value, _MOST_ENTRIES)))


# mailbox = "INBOX" / astring; here "" is the server
def _mailbox(cursor: Cursor) -> str:
    octets = astring(cursor)
    try:
        return decode_mailbox_name(octets, cursor.utf8) if octets else ""
    except InvalidMailboxName as error:
        raise ImapSyntaxError(str(error), condition="NO", code=b"CANNOT") from None


# getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
def _options(cursor: Cursor) -> list[_Option]:
    options = parenthesised(cursor, _option, len(("MAXSIZE", "DEPTH")))
    if len({name for name, _ in options}) < len(options):
        raise ImapSyntaxError("An option of GETMETADATA is given twice")
    cursor.space()
    return options


# maxsize-opt = "MAXSIZE" SP number ; scope-opt = "DEPTH" SP ("0" / "1" / "infinity")
def _option(cursor: Cursor) -> _Option:
    name = keyword(cursor)
    cursor.space()
    if name == b"MAXSIZE":
        return name, int(cursor.need(_NUMBER, "Expected a number"))
    depth = _DEPTHS.get(keyword(cursor)) if name == b"DEPTH" else None
    if depth is None:
        raise ImapSyntaxError("Unknown option of GETMETADATA")
    return name, depth


# entries = entry / "(" entry *(SP entry) ")"
def entries(cursor: Cursor) -> tuple[str, ...]:
    if cursor.looking_at(b"("):
        return tuple(dict.fromkeys(parenthesised(cursor, _entry_base, _MOST_ENTRIES)))
    return (_entry_base(cursor),)


# entry-value = entry SP value
def _entry_value(cursor: Cursor) -> tuple[str, bytes | None]:
    try:
        entry = entry_name(utf8_text(astring(cursor)))
    except InvalidEntryName as error:
        raise ImapSyntaxError(str(error)) from None
    cursor.space()
    return entry, _value(cursor)


def _entry_base(cursor: Cursor) -> str:
    try:
        return entry_base(utf8_text(astring(cursor)))
    except InvalidEntryName as error:
        raise ImapSyntaxError(str(error)) from None


# value = nstring / literal8
def _value(cursor: Cursor) -> bytes | None:
    match = cursor.match(_LITERAL8)
    if match is None:
        return nstring(cursor)
    end = cursor.pos + int(match[1])
    octets = cursor.data[cursor.pos : end]
    if end > len(cursor.data):
        raise ImapSyntaxError("Invalid literal")
    cursor.pos = end
    return octets
