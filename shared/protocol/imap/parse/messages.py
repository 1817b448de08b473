"""Commands on messages: STORE, COPY, MOVE, UID EXPUNGE."""

import re

from shared.protocol.imap.commands import Copy, Expunge, Move, Store, StoreMode
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.mailboxes import mailbox
from shared.protocol.imap.parse.sets import bare_flags, flag_list, sequence_set
from shared.protocol.imap.parse.strings import keyword, number64

# store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
_STORE_MODE = re.compile(rb"([+-]?FLAGS)(\.SILENT)? ", re.IGNORECASE)
_MODE = {mode.value: mode for mode in StoreMode}


# store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
def store(cursor: Cursor, tag: bytes) -> Store:
    return _store(cursor, tag, uid=False)


def uid_store(cursor: Cursor, tag: bytes) -> Store:
    return _store(cursor, tag, uid=True)


def _store(cursor: Cursor, tag: bytes, uid: bool) -> Store:
    cursor.space()
    sequence = sequence_set(cursor)
    unchanged_since = _unchanged_since(cursor)
    cursor.space()
    match = cursor.match(_STORE_MODE)
    if match is None:
        raise ImapSyntaxError("Expected FLAGS, +FLAGS or -FLAGS and flags")
    flags = flag_list(cursor) if cursor.looking_at(b"(") else bare_flags(cursor)
    return Store(tag, sequence, _MODE[match[1].upper()], flags, match[2] is not None, uid, unchanged_since)


# store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-value ")"        ; RFC 7162
def _unchanged_since(cursor: Cursor) -> int | None:
    if not cursor.accept(b" ("):
        return None
    if keyword(cursor) != b"UNCHANGEDSINCE":
        raise ImapSyntaxError("Unknown STORE modifier")
    cursor.space()
    modseq = number64(cursor)
    cursor.expect(b")")
    return modseq


# copy = "COPY" SP sequence-set SP mailbox
def copy(cursor: Cursor, tag: bytes) -> Copy:
    cursor.space()
    sequence = sequence_set(cursor)
    cursor.space()
    return Copy(tag, sequence, mailbox(cursor))


def uid_copy(cursor: Cursor, tag: bytes) -> Copy:
    plain = copy(cursor, tag)
    return Copy(tag, plain.sequence, plain.mailbox, uid=True)


# move = "MOVE" SP sequence-set SP mailbox        ; RFC 6851
def move(cursor: Cursor, tag: bytes) -> Move:
    plain = copy(cursor, tag)
    return Move(tag, plain.sequence, plain.mailbox)


def uid_move(cursor: Cursor, tag: bytes) -> Move:
    plain = copy(cursor, tag)
    return Move(tag, plain.sequence, plain.mailbox, uid=True)


# uid-expunge = "UID" SP "EXPUNGE" SP sequence-set          ; RFC 4315
def uid_expunge(cursor: Cursor, tag: bytes) -> Expunge:
    cursor.space()
    return Expunge(tag, sequence_set(cursor))
