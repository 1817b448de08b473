"""Strings to be sent: quoted where that is allowed, otherwise literals (RFC 3501 §4.3)."""

import re

from shared.protocol.imap.mailbox_name import encode_mailbox_name

_MAX_QUOTED = 1000

# QUOTED-CHAR without the two that need a backslash
_PLAIN = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-!#-\[\]-\x7f]*")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_ATOM = re.compile(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
_UNQUOTABLE = re.compile(rb"[\r\n\0]")
_NEEDS_BACKSLASH = re.compile(rb'["\\]')


# string = quoted / literal
def wire_string(value: bytes) -> bytes:
    """Any octets but NUL: short 7-bit text is quoted, everything else is a literal."""
    if len(value) <= _MAX_QUOTED:
        if _PLAIN.fullmatch(value):
            return b'"%b"' % value
        if _QUOTABLE.fullmatch(value):
            return b'"%b"' % _NEEDS_BACKSLASH.sub(rb"\\\g<0>", value)
    return literal(value)


# quoted = DQUOTE *QUOTED-CHAR DQUOTE       ; QUOTED-CHAR =/ UTF8-2 / UTF8-3 / UTF8-4 (RFC 9051 §9)
def quoted(value: bytes) -> bytes | None:
    """Short UTF-8 text as a quoted string, for a client that has enabled it; None for what needs a literal."""
    if len(value) > _MAX_QUOTED or _UNQUOTABLE.search(value):
        return None
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return b'"%b"' % _NEEDS_BACKSLASH.sub(rb"\\\g<0>", value)


# astring = 1*ASTRING-CHAR / string
def wire_astring(value: bytes) -> bytes:
    """A string, without quotes where it is an atom."""
    return value if _ATOM.fullmatch(value) else wire_string(value)


# nstring = string / nil
def wire_nstring(value: bytes | None) -> bytes:
    """A string, or NIL for None."""
    return b"NIL" if value is None else wire_string(value)


# literal = "{" number "}" CRLF *CHAR8
def literal(value: bytes) -> bytes:
    """A literal; one that a server sends needs no continuation."""
    return b"{%d}\r\n%b" % (len(value), value)


# CHAR8 = %x01-ff
def char8(octets: bytes) -> bytes:
    """The octets with 0x80 in place of NUL, which only literal8 may contain (RFC 3501 §9).

    Dovecot replaces NUL in the same way. The length stays the same. Without NUL nothing is copied.
    """
    return octets.replace(b"\0", b"\x80")


# literal8 = "~{" number "}" CRLF *OCTET         ; RFC 3516
def literal8(value: bytes) -> bytes:
    """A literal that may contain NUL."""
    return b"~{%d}\r\n%b" % (len(value), value)


# mailbox = "INBOX" / astring
def wire_mailbox(name: str, utf8: bool = False) -> bytes:
    """A canonical mailbox name, always quoted; in UTF-8 for a client that has enabled it (RFC 6855 §3)."""
    wire = encode_mailbox_name(name, utf8)
    return b'"%b"' % _NEEDS_BACKSLASH.sub(rb"\\\g<0>", wire)
