"""`section` of BODY[...] and `section-binary` of BINARY[...] (RFC 3501 §9, RFC 3516)."""

import re
from typing import cast

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.number_set import MAX_NUMBER
from shared.protocol.imap.parse.cursor import Cursor
from shared.protocol.imap.parse.lists import parenthesised
from shared.protocol.imap.parse.strings import astring
from shared.protocol.imap.section import WHOLE, SectionSpec, SectionText

MAX_PART_DEPTH = 100
MAX_FIELDS = 500

# section-part = nz-number *("." nz-number)
_PART = re.compile(rb"[1-9][0-9]*(?:\.[1-9][0-9]*)*")
# section-text = section-msgtext / "MIME"
_TEXT = re.compile(rb"HEADER\.FIELDS\.NOT(?= )|HEADER\.FIELDS(?= )|HEADER|TEXT|MIME", re.IGNORECASE)
# A field name in a command is an astring; only printable characters can name a field (RFC 5322 §3.6.8: 33 to 126
# without ":").
_FIELD_NAME = re.compile(rb"[!-9;-~]+")


# section = "[" [section-spec] "]"
def section(cursor: Cursor) -> SectionSpec:
    cursor.expect(b"[")
    if cursor.accept(b"]"):
        return WHOLE
    spec = _section_spec(cursor)
    cursor.expect(b"]")
    return spec


# section-spec = section-msgtext / (section-part ["." section-text])
def _section_spec(cursor: Cursor) -> SectionSpec:
    part = _section_part(cursor)
    if part and not cursor.accept(b"."):
        return SectionSpec(part)
    text = cast(SectionText, cursor.need(_TEXT, "Invalid section").upper().decode("ascii"))
    if text == "MIME" and not part:
        raise ImapSyntaxError("MIME needs a part number")  # RFC 3501 §6.4.5
    return SectionSpec(part, text, _header_list(cursor) if "FIELDS" in text else ())


def _section_part(cursor: Cursor) -> tuple[int, ...]:
    match = cursor.match(_PART)
    return _part_numbers(match[0]) if match else ()


def _part_numbers(text: bytes) -> tuple[int, ...]:
    numbers = text.split(b".")
    if len(numbers) > MAX_PART_DEPTH or max(map(len, numbers)) > 10:
        raise ImapSyntaxError("Invalid part number")
    part = tuple(map(int, numbers))
    if max(part) > MAX_NUMBER:
        raise ImapSyntaxError("Invalid part number")
    return part


# header-list = "(" header-fld-name *(SP header-fld-name) ")"
def _header_list(cursor: Cursor) -> tuple[str, ...]:
    cursor.space()
    return tuple(parenthesised(cursor, _field_name, MAX_FIELDS))


# header-fld-name = astring
def _field_name(cursor: Cursor) -> str:
    name = astring(cursor)
    if not _FIELD_NAME.fullmatch(name):
        raise ImapSyntaxError("Invalid header field name")
    return name.decode("ascii")


# section-binary = "[" [section-part] "]"
def section_binary(cursor: Cursor) -> tuple[tuple[int, ...], bytes]:
    """The part, and its path on the wire."""
    cursor.expect(b"[")
    start = cursor.pos
    part = _section_part(cursor)
    path = cursor.data[start : cursor.pos]
    cursor.expect(b"]")
    return part, path
