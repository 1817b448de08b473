"""Makes texts of other servers safe: they cannot add a line, a field or a control character to a report."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.header import Header
from typing import Final

from shared.protocol.smtp.trace_header import date_time

FIELD_LIMIT: Final = 900
"""Octets of a text in one line, which may have 998 (RFC 5322 §2.1.1)."""
REPLY_LINES: Final = 20
REPLY_LINE: Final = 500
"""Characters of one line of a remote server's reply."""

# QCHAR of RFC 6533 §3 is printable US-ASCII without the space, "+", "=" and "\"; QUCHAR also has non-ASCII characters.
_NOT_QUCHAR = re.compile(r"[\x00-\x20+=\\\x7f]")
_NOT_QCHAR = re.compile(r"[\x00-\x20+=\\\x7f]|[^\x00-\x7f]")
_NOT_ASCII = re.compile(r"[^ -~]")
_ORCPT = re.compile(r"([A-Za-z0-9-]{1,64});(.+)", re.S)


def plain(text: str, limit: int = FIELD_LIMIT) -> str:
    """The text on one line of at most `limit` octets, with a blank for each character that is not printable."""
    clean = "".join(character if character.isprintable() else " " for character in text[:limit])
    return clean.encode()[:limit].decode(errors="ignore").strip()


def unstructured(text: str) -> str:
    """A text as the value of an unstructured field, with encoded words where it is not ASCII (RFC 2047 §5)."""
    clean = plain(text)
    return clean if clean.isascii() else Header(clean, "utf-8", maxlinelen=70).encode(linesep="\r\n")


def readable(octets: bytes) -> str:
    """Octets of a remote server as text, with U+FFFD for what is not UTF-8."""
    return octets.decode("utf-8", "replace")


def reply_lines(reply: str) -> list[str]:
    """The lines of a reply, bounded in number and length."""
    lines = [plain(line, REPLY_LINE) for line in reply[: REPLY_LINES * REPLY_LINE].splitlines()[:REPLY_LINES]]
    return [line for line in lines if line]


def ascii_text(text: str) -> str:
    """The text for a 7-bit field; other characters are written as `\\x{…}`."""
    return _cut(_NOT_ASCII.sub(_escaped, plain(text)))


def typed_address(address: str, *, international: bool) -> str:
    """`address-type; address` of Final-Recipient (RFC 3464 §2.3.2, RFC 6533 §4).

    A non-ASCII address is utf-8-addr-unitext in an international report, else utf-8-addr-xtext.
    """
    if address.isascii():
        return f"rfc822; {ascii_text(address)}"
    return f"utf-8; {_utf8_address(address, international)}"


def original_recipient(orcpt: str, *, international: bool) -> str:
    """The value of Original-Recipient for ORCPT, or "" when it has no valid form (RFC 3461 §6.3)."""
    match = _ORCPT.fullmatch(orcpt)
    if match is None:
        return ""
    if match[1].lower() == "utf-8":
        return f"utf-8;{_utf8_address(match[2], international)}"
    return f"{match[1]};{ascii_text(match[2])}"


def moment(micros: int) -> str:
    """A date-time of RFC 5322 §3.3 for UTC microseconds."""
    return date_time(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=micros // 1_000_000))


def _utf8_address(address: str, international: bool) -> str:
    pattern = _NOT_QUCHAR if international else _NOT_QCHAR
    return _cut(pattern.sub(_escaped, plain(address)))


def _escaped(match: re.Match[str]) -> str:
    """EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" (RFC 6533 §3)."""
    return f"\\x{{{ord(match[0]):02X}}}"


def _cut(text: str) -> str:
    """The text within the limit, not cut within an escape."""
    if len(text.encode()) <= FIELD_LIMIT:
        return text
    short = text.encode()[:FIELD_LIMIT].decode(errors="ignore")
    opened = short.rfind("\\x{")
    return short[:opened] if opened > short.rfind("}") else short
