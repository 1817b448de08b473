"""Commands on mailboxes as a whole: SELECT, CREATE, DELETE, RENAME, SUBSCRIBE, STATUS, quota."""

import re

from shared.protocol.imap.commands import (
    Create,
    Delete,
    GetQuota,
    GetQuotaRoot,
    Qresync,
    Rename,
    Select,
    SetQuota,
    Status,
    StatusItem,
    Subscribe,
    Unsubscribe,
)
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name, new_mailbox_name
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised, possibly_empty
from shared.protocol.imap.parse.sets import known_set
from shared.protocol.imap.parse.strings import (
    astring,
    atom,
    keyword,
    mod_sequence_value,
    number64,
    nz_number,
    utf8_text,
)

_STATUS_ITEM = {item.value: item for item in StatusItem}
_SPECIAL_USE = {
    use.lower().encode(): use
    for use in ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash", "\\Important")
}
_MOST_RESOURCES = 100
_USE_ATTRIBUTE = re.compile(rb"\\[A-Za-z]{1,32}")


# mailbox = "INBOX" / astring
def mailbox(cursor: Cursor) -> str:
    """A mailbox name with INBOX in upper case.

    When its spelling is wrong the response is NO [CANNOT], because no mailbox can have it.
    """
    try:
        return decode_mailbox_name(astring(cursor), cursor.utf8)
    except InvalidMailboxName as error:
        raise _cannot(error) from None


def _new_mailbox(cursor: Cursor) -> str:
    """A name that a new mailbox may get."""
    name = mailbox(cursor)
    try:
        return new_mailbox_name(name)
    except InvalidMailboxName as error:
        raise _cannot(error) from None


def _cannot(error: InvalidMailboxName) -> ImapSyntaxError:
    return ImapSyntaxError(str(error), condition="NO", code=b"CANNOT")  # RFC 5530


# select = "SELECT" SP mailbox [select-params]
def select(cursor: Cursor, tag: bytes) -> Select:
    return _select(cursor, tag, read_only=False)


# examine = "EXAMINE" SP mailbox [select-params]
def examine(cursor: Cursor, tag: bytes) -> Select:
    return _select(cursor, tag, read_only=True)


def _select(cursor: Cursor, tag: bytes, read_only: bool) -> Select:
    cursor.space()
    name = mailbox(cursor)
    if cursor.at_end():
        return Select(tag, name, read_only)
    # select-params = SP "(" select-param *(SP select-param) ")"       ; RFC 4466
    cursor.space()
    params = parenthesised(cursor, _select_param)
    qresync = [param for param in params if param is not None]
    if len(qresync) > 1:
        raise ImapSyntaxError("QRESYNC is given twice")
    return Select(tag, name, read_only, None in params, qresync[0] if qresync else None)


# select-param =/ condstore-param / "QRESYNC" SP "(" ... ")"       ; RFC 7162
def _select_param(cursor: Cursor) -> Qresync | None:
    """The argument of QRESYNC, or None for CONDSTORE."""
    match keyword(cursor):
        case b"CONDSTORE":
            return None
        case b"QRESYNC":
            cursor.space()
            return _qresync(cursor)
        case _:
            raise ImapSyntaxError("Unknown parameter of SELECT")


# "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
def _qresync(cursor: Cursor) -> Qresync:
    cursor.expect(b"(")
    uidvalidity = nz_number(cursor)
    cursor.space()
    modseq = mod_sequence_value(cursor)
    known_uids = sequence_match = None
    if cursor.looking_at(b" ") and not cursor.looking_at(b" ("):
        cursor.space()
        known_uids = known_set(cursor)
    if cursor.accept(b" ("):
        # seq-match-data = "(" known-sequence-set SP known-uid-set ")"
        sequences = known_set(cursor)
        cursor.space()
        sequence_match = sequences, known_set(cursor)
        cursor.expect(b")")
    cursor.expect(b")")
    return Qresync(uidvalidity, modseq, known_uids, sequence_match)


# create = "CREATE" SP mailbox [create-params]
def create(cursor: Cursor, tag: bytes) -> Create:
    cursor.space()
    name = _new_mailbox(cursor)
    uses: tuple[str, ...] = ()
    # create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"         ; RFC 6154
    if cursor.accept(b" ("):
        if keyword(cursor) != b"USE":
            raise ImapSyntaxError("Unknown parameter of CREATE")
        cursor.space()
        uses = tuple(dict.fromkeys(possibly_empty(cursor, _use_attribute)))
        cursor.expect(b")")
    return Create(tag, name, uses)


def _use_attribute(cursor: Cursor) -> str:
    use = _SPECIAL_USE.get(cursor.need(_USE_ATTRIBUTE, "Expected a special use").lower())
    if use is None:
        raise ImapSyntaxError("Unknown special use", condition="NO", code=b"USEATTR")  # RFC 6154 §3
    return use


# delete = "DELETE" SP mailbox
def delete(cursor: Cursor, tag: bytes) -> Delete:
    cursor.space()
    return Delete(tag, mailbox(cursor))


# rename = "RENAME" SP mailbox SP mailbox
def rename(cursor: Cursor, tag: bytes) -> Rename:
    cursor.space()
    old = mailbox(cursor)
    cursor.space()
    return Rename(tag, old, _new_mailbox(cursor))


# subscribe = "SUBSCRIBE" SP mailbox
def subscribe(cursor: Cursor, tag: bytes) -> Subscribe:
    cursor.space()
    return Subscribe(tag, _new_mailbox(cursor))


# unsubscribe = "UNSUBSCRIBE" SP mailbox
def unsubscribe(cursor: Cursor, tag: bytes) -> Unsubscribe:
    cursor.space()
    return Unsubscribe(tag, mailbox(cursor))


# status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
def status(cursor: Cursor, tag: bytes) -> Status:
    cursor.space()
    name = mailbox(cursor)
    cursor.space()
    return Status(tag, name, status_items(cursor))


def status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """The list of status-att, each once."""
    return tuple(dict.fromkeys(parenthesised(cursor, _status_item)))


# status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" / ...
def _status_item(cursor: Cursor) -> StatusItem:
    item = _STATUS_ITEM.get(keyword(cursor))
    if item is None:
        raise ImapSyntaxError("Unknown status item")
    return item


# getquota = "GETQUOTA" SP quota-root-name          ; RFC 9208
def get_quota(cursor: Cursor, tag: bytes) -> GetQuota:
    cursor.space()
    return GetQuota(tag, utf8_text(astring(cursor)))


# getquotaroot = "GETQUOTAROOT" SP mailbox          ; RFC 9208
def get_quota_root(cursor: Cursor, tag: bytes) -> GetQuotaRoot:
    cursor.space()
    return GetQuotaRoot(tag, mailbox(cursor))


# setquota = "SETQUOTA" SP quota-root-name SP "(" [setquota-resource *(SP setquota-resource)] ")"    ; RFC 9208
def set_quota(cursor: Cursor, tag: bytes) -> SetQuota:
    cursor.space()
    root = utf8_text(astring(cursor))
    cursor.space()
    return SetQuota(tag, root, tuple(possibly_empty(cursor, _set_quota_resource, _MOST_RESOURCES)))


# setquota-resource = resource-name SP resource-limit
def _set_quota_resource(cursor: Cursor) -> tuple[str, int]:
    name = utf8_text(atom(cursor))
    cursor.space()
    return name, number64(cursor)
