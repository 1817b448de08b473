"""The commands of access control lists (RFC 4314 §4)."""

from shared.protocol.imap.acl_commands import DeleteAcl, GetAcl, ListRights, MyRights, SetAcl
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.mailboxes import mailbox
from shared.protocol.imap.parse.strings import astring, utf8_text
from shared.protocol.imap.rights import MAX_IDENTIFIER, InvalidRights, parse_rights


# setacl = "SETACL" SP mailbox SP identifier SP mod-rights
def set_acl(cursor: Cursor, tag: bytes) -> SetAcl:
    cursor.space()
    name = mailbox(cursor)
    identifier = _identifier(cursor)
    cursor.space()
    # mod-rights = astring          ; "+" adds, "-" takes away, neither replaces
    text = utf8_text(astring(cursor))
    mode = text[:1] if text[:1] in ("+", "-") else ""
    try:
        return SetAcl(tag, name, identifier, mode, parse_rights(text.removeprefix(mode)))
    except InvalidRights as invalid:
        raise ImapSyntaxError("Unknown right") from invalid


# deleteacl = "DELETEACL" SP mailbox SP identifier
def delete_acl(cursor: Cursor, tag: bytes) -> DeleteAcl:
    cursor.space()
    return DeleteAcl(tag, mailbox(cursor), _identifier(cursor))


# getacl = "GETACL" SP mailbox
def get_acl(cursor: Cursor, tag: bytes) -> GetAcl:
    cursor.space()
    return GetAcl(tag, mailbox(cursor))


# listrights = "LISTRIGHTS" SP mailbox SP identifier
def list_rights(cursor: Cursor, tag: bytes) -> ListRights:
    cursor.space()
    return ListRights(tag, mailbox(cursor), _identifier(cursor))


# myrights = "MYRIGHTS" SP mailbox
def my_rights(cursor: Cursor, tag: bytes) -> MyRights:
    cursor.space()
    return MyRights(tag, mailbox(cursor))


# identifier = astring
def _identifier(cursor: Cursor) -> str:
    cursor.space()
    octets = astring(cursor)
    if not octets or len(octets) > MAX_IDENTIFIER:
        raise ImapSyntaxError("An identifier is empty or too long")
    return utf8_text(octets)
