"""LIST with its extensions, and LSUB (RFC 3501, RFC 5258, RFC 5819, RFC 6154, RFC 9590)."""

from typing import NamedTuple

from shared.protocol.imap.commands import List, ListReturn, ListSelection, Lsub, StatusItem
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.mailbox_name import InvalidMailboxName, decode_mailbox_name
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised, possibly_empty
from shared.protocol.imap.parse.mailboxes import mailbox, status_items
from shared.protocol.imap.parse.metadata import entries
from shared.protocol.imap.parse.strings import keyword, list_mailbox

MAX_PATTERNS = 100

_SELECTION = {option.value: option for option in ListSelection}
_RETURN = {option.value: option for option in ListReturn}
_NEEDS_MORE = frozenset({ListSelection.RECURSIVEMATCH, ListSelection.REMOTE})


class _Returns(NamedTuple):
    options: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()
    metadata: tuple[str, ...] = ()


# list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
def list_(cursor: Cursor, tag: bytes) -> List:
    cursor.space()
    selection = _selection(cursor)
    reference = mailbox(cursor)
    cursor.space()
    several = cursor.looking_at(b"(")
    # mbox-or-pat = list-mailbox / patterns ; patterns = "(" list-mailbox *(SP list-mailbox) ")"
    patterns = parenthesised(cursor, _pattern, MAX_PATTERNS) if several else [_pattern(cursor)]
    matching = [pattern for pattern in patterns if pattern is not None]
    extended = several or selection is not None or not cursor.at_end()
    returns = _Returns() if cursor.at_end() else _returns(cursor)
    names = tuple(dict.fromkeys(matching))
    return List(tag, reference, names, selection or frozenset(), *returns[:2], extended, returns.metadata)


# list-select-opts = "(" [ ... ] ")"
def _selection(cursor: Cursor) -> frozenset[ListSelection] | None:
    if not cursor.looking_at(b"("):
        return None
    options = frozenset(possibly_empty(cursor, _selection_option))
    # RFC 5258 §3.1: RECURSIVEMATCH modifies another option and cannot stand alone.
    if ListSelection.RECURSIVEMATCH in options and options <= _NEEDS_MORE:
        raise ImapSyntaxError("RECURSIVEMATCH needs another selection option")
    cursor.space()
    return options


def _selection_option(cursor: Cursor) -> ListSelection:
    option = _SELECTION.get(keyword(cursor))
    if option is None:
        raise ImapSyntaxError("Unknown selection option of LIST")
    return option


def _pattern(cursor: Cursor) -> str | None:
    """A pattern; None when no name can match, because it is spelled wrongly.

    An example is `&%`, which clients make from a name that begins with `&`.
    """
    try:
        return decode_mailbox_name(list_mailbox(cursor), cursor.utf8)
    except InvalidMailboxName:
        return None


# list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
def _returns(cursor: Cursor) -> _Returns:
    cursor.space()
    if keyword(cursor) != b"RETURN":
        raise ImapSyntaxError("Expected RETURN")
    cursor.space()
    options = possibly_empty(cursor, _return_option)
    items = [item for option in options if isinstance(option, tuple) for item in option]
    return _Returns(
        frozenset(option for option in options if isinstance(option, ListReturn)),
        tuple(dict.fromkeys(item for item in items if isinstance(item, StatusItem))),
        tuple(dict.fromkeys(item for item in items if isinstance(item, str))),
    )


# return-option = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" / status-option
# status-option = "STATUS" SP "(" status-att *(SP status-att) ")"                ; RFC 5819
# return-option =/ "METADATA" SP "(" entry *(SP entry) ")"                       ; RFC 9590
def _return_option(cursor: Cursor) -> ListReturn | tuple[StatusItem, ...] | tuple[str, ...]:
    word = keyword(cursor)
    if word == b"STATUS":
        cursor.space()
        return status_items(cursor)
    if word == b"METADATA":
        cursor.space()
        return entries(cursor)
    option = _RETURN.get(word)
    if option is None:
        raise ImapSyntaxError("Unknown return option of LIST")
    return option


# lsub = "LSUB" SP mailbox SP list-mailbox
def lsub(cursor: Cursor, tag: bytes) -> Lsub:
    cursor.space()
    reference = mailbox(cursor)
    cursor.space()
    return Lsub(tag, reference, _pattern(cursor))
