"""The entry of the grammar: the bytes of a framed command in, one value out."""

import re
from collections.abc import Callable
from typing import TypeVar

from shared.protocol.imap.any_command import AnyCommand
from shared.protocol.imap.append_pieces import AppendPlace, AppendText
from shared.protocol.imap.commands import (
    Append,
    Capability,
    Check,
    Close,
    Expunge,
    Idle,
    Logout,
    Namespace,
    Noop,
    StartTls,
    Unselect,
)
from shared.protocol.imap.connection_commands import UnAuthenticate
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse import (
    acl,
    append,
    fetch,
    listing,
    mailboxes,
    messages,
    metadata,
    multisearch,
    notify,
    ordering,
    search,
    session,
)
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.replace_command import Replace

T = TypeVar("T")
Production = Callable[[Cursor, bytes], AnyCommand]

# command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
# tag = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb"([!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]{1,128})(?: |\Z)")
_NAME = re.compile(rb"[A-Za-z]+")
_UID_NAME = re.compile(rb" ([A-Za-z]+)")

_UID_COMMANDS: dict[bytes, Production] = {
    b"COPY": messages.uid_copy,
    b"EXPUNGE": messages.uid_expunge,
    b"FETCH": fetch.uid_fetch,
    b"MOVE": messages.uid_move,
    b"REPLACE": lambda cursor, tag: append.replace(cursor, tag, uid=True),
    b"SEARCH": search.uid_search,
    b"SORT": ordering.uid_sort,
    b"STORE": messages.uid_store,
    b"THREAD": ordering.uid_thread,
}


# uid = "UID" SP (copy / fetch / search / store / uid-expunge / move)
def _uid(cursor: Cursor, tag: bytes) -> AnyCommand:
    match = cursor.match(_UID_NAME)
    production = _UID_COMMANDS.get(match[1].upper()) if match else None
    if production is None:
        raise ImapSyntaxError("Unknown UID command")
    return production(cursor, tag)


_COMMANDS: dict[bytes, Production] = {
    b"SETACL": acl.set_acl,
    b"DELETEACL": acl.delete_acl,
    b"GETACL": acl.get_acl,
    b"LISTRIGHTS": acl.list_rights,
    b"MYRIGHTS": acl.my_rights,
    b"APPEND": append.append,
    b"AUTHENTICATE": session.authenticate,
    b"CANCELUPDATE": ordering.cancel_update,
    b"CAPABILITY": lambda cursor, tag: Capability(tag),
    b"CHECK": lambda cursor, tag: Check(tag),
    b"CLOSE": lambda cursor, tag: Close(tag),
    b"COMPRESS": session.compress,
    b"COPY": messages.copy,
    b"CREATE": mailboxes.create,
    b"DELETE": mailboxes.delete,
    b"ENABLE": session.enable,
    b"ESEARCH": multisearch.multi_search,
    b"EXAMINE": mailboxes.examine,
    b"EXPUNGE": lambda cursor, tag: Expunge(tag),
    b"FETCH": fetch.fetch,
    b"GETMETADATA": metadata.get_metadata,
    b"SETMETADATA": metadata.set_metadata,
    b"GETQUOTA": mailboxes.get_quota,
    b"GETQUOTAROOT": mailboxes.get_quota_root,
    b"SETQUOTA": mailboxes.set_quota,
    b"ID": session.id_,
    b"IDLE": lambda cursor, tag: Idle(tag),
    b"LIST": listing.list_,
    b"LOGIN": session.login,
    b"LOGOUT": lambda cursor, tag: Logout(tag),
    b"LSUB": listing.lsub,
    b"MOVE": messages.move,
    b"NAMESPACE": lambda cursor, tag: Namespace(tag),
    b"NOOP": lambda cursor, tag: Noop(tag),
    b"NOTIFY": notify.notify,
    b"RENAME": mailboxes.rename,
    b"REPLACE": append.replace,
    b"SEARCH": search.search,
    b"SELECT": mailboxes.select,
    b"SORT": ordering.sort,
    b"STARTTLS": lambda cursor, tag: StartTls(tag),
    b"STATUS": mailboxes.status,
    b"STORE": messages.store,
    b"SUBSCRIBE": mailboxes.subscribe,
    b"THREAD": ordering.thread,
    b"UID": _uid,
    b"UNAUTHENTICATE": lambda cursor, tag: UnAuthenticate(tag),
    b"UNSELECT": lambda cursor, tag: Unselect(tag),
    b"UNSUBSCRIBE": mailboxes.unsubscribe,
}


def parse_command(data: bytes, utf8: bool = False) -> AnyCommand:
    """Read the data of a `CommandReceived`. Raises only ImapSyntaxError, for any bytes.

    `utf8`: the client has enabled IMAP4rev2 or UTF8=ACCEPT, so mailbox names are UTF-8 instead of modified UTF-7.
    """
    return _tagged(Cursor(data, 0, utf8), _command)


def parse_append(head: bytes, utf8: bool = False) -> Append | Replace:
    """Read the head of the first `AppendLiteral`. Raises ImapSyntaxError."""
    return _tagged(Cursor(head, 0, utf8), _append)


def parse_append_text(text: bytes, command: Append | Replace, place: AppendPlace, *, cut: bool) -> AppendText:
    """Read the text behind a literal, which is `cut` at the next literal or ends the command.

    Raises ImapSyntaxError with the tag of the command.
    """
    cursor = Cursor(text)
    try:
        read = append.append_text(cursor, place, cut=cut, single=isinstance(command, Replace))
        cursor.end()
    except ImapSyntaxError as error:
        error.tag = command.tag
        raise
    return read


def _tagged(cursor: Cursor, production: Callable[[Cursor, bytes], T]) -> T:
    """Read the tag, then the rest; an error contains the tag."""
    match = cursor.match(_TAG)
    if match is None:
        raise ImapSyntaxError("Invalid tag")
    try:
        command = production(cursor, match[1])
        cursor.end()
    except ImapSyntaxError as error:
        error.tag = match[1]
        raise
    return command


def _command(cursor: Cursor, tag: bytes) -> AnyCommand:
    name = cursor.match(_NAME)
    production = _COMMANDS.get(name[0].upper()) if name else None
    if production is None:
        raise ImapSyntaxError("Unknown command")
    return production(cursor, tag)


def _append(cursor: Cursor, tag: bytes) -> Append | Replace:
    name = cursor.match(_NAME)
    word = name[0].upper() if name else b""
    if word == b"APPEND":
        return append.append(cursor, tag, cut=True)
    uid = word == b"UID"
    if uid:
        match = cursor.match(_UID_NAME)
        word = match[1].upper() if match else b""
    if word != b"REPLACE":
        raise ImapSyntaxError("Unknown command")
    return append.replace(cursor, tag, cut=True, uid=uid)
