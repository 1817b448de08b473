"""IMAP strings (RFC 3501 §4.3, §9) for any bytes.

Printable ASCII is quoted. Everything else becomes a literal with unchanged bytes: raw 8-bit bytes are allowed there
(CHAR8), valid UTF-8 or not. NUL is not allowed and becomes a space. So do CR and LF: they only remain from broken
folding, and a value with them could look like a protocol line in a log.
"""

import re
from collections.abc import Iterable

_PLAIN = re.compile(rb"[ !#-\[\]-~]*+")
_PRINTABLE = re.compile(rb"[ -~]*+")
_SPACES = bytes.maketrans(b"\x00\r\n", b"   ")

NIL = b"NIL"
# The values of most parts.
_USUAL = {
    word: b'"%b"' % word
    for word in b"text plain html multipart mixed alternative application 7bit 8bit base64 quoted-printable"
    b" charset boundary name filename us-ascii utf-8 iso-8859-1 attachment inline".split()
}


def string(value: bytes) -> bytes:
    """`string = quoted / literal`."""
    if value in _USUAL:
        return _USUAL[value]
    if _PLAIN.fullmatch(value):
        return b'"%b"' % value
    if _PRINTABLE.fullmatch(value):
        return b'"%b"' % value.replace(b"\\", rb"\\").replace(b'"', rb"\"")
    return b"{%d}\r\n%b" % (len(value), value.translate(_SPACES))


def nstring(value: bytes | None) -> bytes:
    """`nstring = string / nil`."""
    if value is None:
        return NIL
    return b'"%b"' % value if _PLAIN.fullmatch(value) else string(value)


def parameter_list(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """`body-fld-param`: attributes and values in one list; NIL when there are none."""
    items = [string(name) + b" " + string(value) for name, value in pairs]
    return b"(%b)" % b" ".join(items) if items else NIL


def string_list(values: Iterable[bytes]) -> bytes:
    """`body-fld-lang`: NIL or a list of strings, also for one language: clients expect what most servers send."""
    items = [string(value) for value in values]
    return b"(%b)" % b" ".join(items) if items else NIL
