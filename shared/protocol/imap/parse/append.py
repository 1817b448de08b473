"""APPEND and REPLACE, read piece by piece while their messages arrive.

RFC 3501 §6.3.11, RFC 3502 (several messages), RFC 3516 §4.4 (literal8), RFC 4469 (CATENATE), RFC 6855 §4 and RFC 9755
§4 (UTF8), RFC 8508 (REPLACE).
"""

import re

from shared.protocol.imap.append_pieces import (
    AppendPiece,
    AppendPlace,
    AppendText,
    LiteralPart,
    MessageEnd,
    MessageStart,
    UrlPart,
)
from shared.protocol.imap.commands import Append
from shared.protocol.imap.dates import parse_date_time
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import MAX_NUMBER
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.mailboxes import mailbox
from shared.protocol.imap.parse.sets import flag_list
from shared.protocol.imap.parse.strings import astring, keyword
from shared.protocol.imap.replace_command import Replace

_DATE_TIME = re.compile(rb'"[^"\\\r\n]*"')
_NUMBER = re.compile(rb"\*|[1-9][0-9]{0,9}(?![0-9])")
_WITHOUT_MESSAGE = "APPEND needs a message literal"


# append = "APPEND" SP mailbox 1*append-message           ; RFC 3502
def append(cursor: Cursor, tag: bytes, *, cut: bool = False) -> Append:
    """An APPEND, complete or `cut` at its first literal, whose marker the framer has removed.

    It is complete without a literal only when it consists of URLs.
    """
    cursor.space()
    name = mailbox(cursor)
    return Append(tag, name, append_text(cursor, AppendPlace.MESSAGES, cut=cut))


# replace = "REPLACE" SP seq-number SP mailbox append-message            ; RFC 8508 §5
def replace(cursor: Cursor, tag: bytes, *, cut: bool = False, uid: bool = False) -> Replace:
    cursor.space()
    number = cursor.need(_NUMBER, "Expected the number of one message")
    if number != b"*" and int(number) > MAX_NUMBER:
        raise ImapSyntaxError("Number is too large")
    cursor.space()
    name = mailbox(cursor)
    text = append_text(cursor, AppendPlace.MESSAGES, cut=cut, single=True)
    return Replace(tag, name, text, None if number == b"*" else int(number), uid)


def append_text(cursor: Cursor, place: AppendPlace, *, cut: bool, single: bool = False) -> AppendText:
    """The text from `place` to the next literal, or to the end of the command.

    `single`: no further message may follow, because REPLACE has one (RFC 8508 §5).
    """
    pieces: list[AppendPiece] = []
    if place in (AppendPlace.WHOLE_UTF8, AppendPlace.PARTS_UTF8):
        cursor.expect(b")")
    if place in (AppendPlace.WHOLE, AppendPlace.WHOLE_UTF8):
        pieces.append(MessageEnd())
    if place in (AppendPlace.PARTS, AppendPlace.PARTS_UTF8):
        parts = _parts(cursor, pieces, cut=cut)
        if parts is not None:
            return AppendText(tuple(pieces), parts)
    while cut or not pieces or not cursor.at_end():
        if single and pieces:
            raise ImapSyntaxError("REPLACE has one message")
        inside = _message(cursor, pieces, cut=cut)
        if inside is not None:
            return AppendText(tuple(pieces), inside)
    return AppendText(tuple(pieces), AppendPlace.MESSAGES)


# append-message = append-opts SP append-data
# append-opts = [SP flag-list] [SP date-time]
# append-data = literal / literal8 / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
def _message(cursor: Cursor, pieces: list[AppendPiece], *, cut: bool) -> AppendPlace | None:
    """Read a message up to its first literal; returns what that literal is in, or None when the message is complete."""
    cursor.space()
    flags: tuple[str, ...] = ()
    date = None
    if cursor.looking_at(b"("):
        flags = flag_list(cursor)
        cursor.space()
    if cursor.looking_at(b'"'):
        date = parse_date_time(cursor.need(_DATE_TIME, "Invalid date-time")[1:-1])
        cursor.space()
    if cursor.at_end():
        pieces += (MessageStart(flags, date), _literal(cursor, cut=cut))
        return AppendPlace.WHOLE
    match keyword(cursor):
        case b"UTF8":
            pieces += (MessageStart(flags, date), _utf8(cursor, cut=cut))
            return AppendPlace.WHOLE_UTF8
        case b"CATENATE":
            pieces.append(MessageStart(flags, date, is_catenated=True))
            cursor.space()
            cursor.expect(b"(")
            return _part(cursor, pieces, cut=cut) or _parts(cursor, pieces, cut=cut)
        case _:
            raise ImapSyntaxError(_WITHOUT_MESSAGE)


def _parts(cursor: Cursor, pieces: list[AppendPiece], *, cut: bool) -> AppendPlace | None:
    """Read the parts after the first; returns what a literal is in, or None after the closing parenthesis."""
    while cursor.accept(b" "):
        inside = _part(cursor, pieces, cut=cut)
        if inside is not None:
            return inside
    cursor.expect(b")")
    pieces.append(MessageEnd())
    return None


# cat-part = text-literal / url / utf8-literal ; text-literal = "TEXT" SP literal ; url = "URL" SP astring
def _part(cursor: Cursor, pieces: list[AppendPiece], *, cut: bool) -> AppendPlace | None:
    match keyword(cursor):
        case b"TEXT":
            cursor.space()
            pieces.append(_literal(cursor, cut=cut))
            return AppendPlace.PARTS
        case b"UTF8":
            pieces.append(_utf8(cursor, cut=cut))
            return AppendPlace.PARTS_UTF8
        case b"URL":
            cursor.space()
            if cursor.at_end() and cut:
                pieces.append(LiteralPart(is_url=True))
                return AppendPlace.PARTS
            pieces.append(UrlPart(astring(cursor)))
            return None
        case _:
            raise ImapSyntaxError("Expected TEXT or URL")


# utf8-literal = "UTF8" SP "(" literal8 ")"               ; RFC 6855 §4
def _utf8(cursor: Cursor, *, cut: bool) -> LiteralPart:
    cursor.space()
    cursor.expect(b"(")
    return _literal(cursor, cut=cut)


def _literal(cursor: Cursor, *, cut: bool) -> LiteralPart:
    """The place of a literal: the end of the text that the framer has cut there."""
    if not cut or not cursor.at_end():
        raise ImapSyntaxError(_WITHOUT_MESSAGE)
    return LiteralPart()
