"""atom, string, literal, astring, number: the small productions of RFC 3501 §9."""

import re

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import MAX_NUMBER
from shared.protocol.imap.parse.cursor import Cursor

MAX_MODSEQ = 2**63 - 1
"""RFC 7162 §7: mod-sequence-value is a positive 63-bit number."""

# ATOM-CHAR = <any CHAR except "(" / ")" / "{" / SP / CTL / "%" / "*" / DQUOTE / "\" / "]">
_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]+")
# ASTRING-CHAR = ATOM-CHAR / resp-specials        ; resp-specials = "]"
_ASTRING_CHARS = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
# list-char = ATOM-CHAR / list-wildcards / resp-specials
_LIST_CHARS = re.compile(rb"[!#$%&'*+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
# quoted = DQUOTE *QUOTED-CHAR DQUOTE             ; 8-bit octets are UTF-8 (RFC 9051), checked where they are decoded
_QUOTED = re.compile(rb'"([^"\\\r\n\0]*(?:\\["\\][^"\\\r\n\0]*)*)"')
_ESCAPED = re.compile(rb"\\(.)")
# literal = "{" number ["+"] "}" CRLF *CHAR8      ; the framer guarantees that the octets are present
_LITERAL = re.compile(rb"\{([0-9]{1,18})\+?\}\r\n")
_NUMBER = re.compile(rb"[0-9]{1,19}(?![0-9])")
_NZ_NUMBER = re.compile(rb"[1-9][0-9]{0,18}(?![0-9])")
_NIL = re.compile(rb"NIL(?![^ )\r\n])", re.IGNORECASE)


# atom = 1*ATOM-CHAR
def atom(cursor: Cursor) -> bytes:
    return cursor.need(_ATOM, "Expected an atom")


def keyword(cursor: Cursor) -> bytes:
    """An atom that is a keyword of the protocol, in upper case; keywords are case-insensitive (RFC 3501 §9 (1))."""
    return cursor.need(_ATOM, "Expected a word").upper()


# quoted = DQUOTE *QUOTED-CHAR DQUOTE
def _quoted_string(cursor: Cursor) -> bytes:
    match = cursor.match(_QUOTED)
    if match is None:
        raise ImapSyntaxError("Invalid quoted string")
    text = match[1]
    return _ESCAPED.sub(rb"\1", text) if b"\\" in text else text


# literal = "{" number ["+"] "}" CRLF *CHAR8      ; CHAR8 = %x01-ff
def _literal(cursor: Cursor) -> bytes:
    match = cursor.match(_LITERAL)
    if match is None:
        raise ImapSyntaxError("Invalid literal")
    end = cursor.pos + int(match[1])
    text = cursor.data[cursor.pos : end]
    if end > len(cursor.data) or b"\0" in text:
        raise ImapSyntaxError("Invalid literal")
    cursor.pos = end
    return text


# string = quoted / literal
def string(cursor: Cursor) -> bytes:
    if cursor.looking_at(b'"'):
        return _quoted_string(cursor)
    if cursor.looking_at(b"{"):
        return _literal(cursor)
    raise ImapSyntaxError("Expected a string")


# nstring = string / nil
def nstring(cursor: Cursor) -> bytes | None:
    return None if cursor.match(_NIL) else string(cursor)


# astring = 1*ASTRING-CHAR / string
def astring(cursor: Cursor) -> bytes:
    match = cursor.match(_ASTRING_CHARS)
    return match[0] if match else string(cursor)


# list-mailbox = 1*list-char / string
def list_mailbox(cursor: Cursor) -> bytes:
    match = cursor.match(_LIST_CHARS)
    return match[0] if match else string(cursor)


def utf8_text(octets: bytes) -> str:
    """The octets of a string as text. Raises ImapSyntaxError when they are not UTF-8."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ImapSyntaxError("Text is not valid UTF-8") from None


# nz-number = digit-nz *DIGIT
def nz_number(cursor: Cursor) -> int:
    return _bounded(int(cursor.need(_NZ_NUMBER, "Expected a number above zero")), MAX_NUMBER)


# number64 = 1*DIGIT          ; RFC 9051: unsigned 63-bit
def number64(cursor: Cursor) -> int:
    return _bounded(int(cursor.need(_NUMBER, "Expected a number")), MAX_MODSEQ)


# mod-sequence-value = 1*DIGIT        ; RFC 7162, positive
def mod_sequence_value(cursor: Cursor) -> int:
    return _bounded(int(cursor.need(_NZ_NUMBER, "Expected a mod-sequence above zero")), MAX_MODSEQ)


def _bounded(value: int, most: int) -> int:
    if value > most:
        raise ImapSyntaxError("Number is too large")
    return value
