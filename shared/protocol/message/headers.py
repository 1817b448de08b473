"""The fields of a raw header block (RFC 5322 §2.2): their offsets, their values, and look-ups by name.

A header block is the bytes of a header section, with or without the blank line at its end. Lines that belong to no
field are skipped: a line without a colon, a leading `From ` line, a continuation line without a field.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# RFC 5322 §3.6.8 ftext is printable ASCII without the colon; 8-bit names are accepted, because they occur.
_NAME = rb"[^\x00-\x20:\x7f]++"
_VALUE = rb"[^\n]*+(?>(?:\n[ \t][^\n]*+)*)"
_FIELD = re.compile(rb"^(" + _NAME + rb")[ \t]*+:(" + _VALUE + rb")\n?", re.M)
_AFTER_NAME = re.compile(rb"[ \t]*+:(" + _VALUE + rb")")
_FOLD = re.compile(rb"\r*\n")


class Field(NamedTuple):
    """A header field by its offsets in the block.

    `start` is the start of the name, `value` is behind the colon, `end` is behind the last line end.
    """

    name: bytes
    start: int
    value: int
    end: int


def fields(block: bytes) -> list[Field]:
    """The fields of the block, in order."""
    return [Field(match[1], match.start(), match.start(2), match.end()) for match in _FIELD.finditer(block)]


def field_lines(block: bytes) -> list[tuple[bytes, bytes]]:
    """(name, complete lines) of each field, in order; only the last line may lack its end."""
    return [(match[1], match[0]) for match in _FIELD.finditer(block)]


def raw_fields(block: bytes) -> list[tuple[bytes, bytes]]:
    """(name, value) of each field, in order; the values are still folded (see `unfold`)."""
    return _FIELD.findall(block)


def unfold(value: bytes) -> bytes:
    """The value on one line, without white space at its ends (RFC 5322 §2.2.3 removes only the line ends)."""
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value.strip(b" \t\r\n")


def _matches(block: bytes, name: bytes) -> Iterator[re.Match[bytes]]:
    """The fields with this name.

    Their lines are found by fixed bytes, at a tenth of the cost of a pattern.
    """
    needle = b"\n" + name
    lines = b"\n" + block.lower()
    at = lines.find(needle)
    while at >= 0:
        if match := _AFTER_NAME.match(block, at + len(name)):
            yield match
        at = lines.find(needle, at + 1)


def _as_name(name: bytes | str) -> bytes:
    return name.encode("utf-8", "replace").lower() if isinstance(name, str) else name.lower()


def header_values(block: bytes, name: bytes | str) -> list[bytes]:
    """The unfolded values of all fields with this name, in order; the rest of the block is not parsed."""
    return [unfold(match[1]) for match in _matches(block, _as_name(name))]


def header_value(block: bytes, name: bytes | str) -> bytes | None:
    """The unfolded value of the first field with this name, or None."""
    match = next(_matches(block, _as_name(name)), None)
    return unfold(match[1]) if match else None


def has_header(block: bytes, name: bytes | str) -> bool:
    """Whether there is a field with this name."""
    return next(_matches(block, _as_name(name)), None) is not None
