"""Responses as octets (RFC 5804 §1.2, §1.3, §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MOST_QUOTED = 1024
"""Octets of a quoted string; longer ones are literals."""
_UNQUOTABLE = re.compile(rb"[\r\n\x00]")
_SPECIAL = re.compile(rb'(["\\])')
CRLF = b"\r\n"


def string(value: str | bytes) -> bytes:
    """A string: quoted, or as a literal where a quoted string cannot hold it. A server's literal has no plus."""
    octets = value.encode("utf-8") if isinstance(value, str) else value
    if len(octets) > MOST_QUOTED or _UNQUOTABLE.search(octets):
        return b"{%d}\r\n%b" % (len(octets), octets)
    return b'"%b"' % _SPECIAL.sub(rb"\\\1", octets)


def ok(text: str = "", code: bytes = b"") -> bytes:
    """The command is done. `code` is a response code without its parentheses (§1.3)."""
    return _final(b"OK", text, code)


def no(text: str, code: bytes = b"") -> bytes:
    """The command is refused."""
    return _final(b"NO", text, code)


def bye(text: str, code: bytes = b"") -> bytes:
    """The connection ends."""
    return _final(b"BYE", text, code)


def _final(condition: bytes, text: str, code: bytes) -> bytes:
    coded = b" (%b)" % code if code else b""
    return condition + coded + (b" " + string(text) if text else b"") + CRLF


def tag_code(tag: bytes) -> bytes:
    """The response code with the tag of a NOOP (§2.13)."""
    return b"TAG " + string(tag)


def sasl_code(data: bytes) -> bytes:
    """The response code with the last data of a mechanism that ends with data of the server (§2.1)."""
    return b"SASL " + string(data)


def challenge(base64: bytes) -> bytes:
    """What the server sends within an exchange, in base64."""
    return string(base64) + CRLF


def capabilities(values: Mapping[str, str | None]) -> bytes:
    """The lines of the capabilities, in order; None is a capability without a value (§1.7)."""
    return b"".join(
        string(name) + (b" " + string(value) if value is not None else b"") + CRLF for name, value in values.items()
    )


def scripts(names: Iterable[tuple[str, bool]]) -> bytes:
    """The lines of LISTSCRIPTS: names, and whether each script is the active one (§2.7)."""
    return b"".join(string(name) + (b" ACTIVE" if is_active else b"") + CRLF for name, is_active in names)


def script(source: bytes) -> bytes:
    """The source that GETSCRIPT returns, octet by octet as it was stored (§2.9)."""
    return b"{%d}\r\n%b\r\n" % (len(source), source)
