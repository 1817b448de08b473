"""The fields of a header as they are stored: most are lines `name: value` of the header text, which is stored anyway.

Only fields that are no such lines are stored apart; when a line looks like a field and is none, all fields are.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

_SEPARATOR = b": "


class FieldsApart(msgspec.Struct, frozen=True, array_like=True):
    """Fields that are stored apart from the header text."""

    is_complete: bool
    """Whether these are all fields, so that the lines of the header are not to be asked."""
    fields: tuple[tuple[bytes, bytes], ...]


_decoder = msgspec.msgpack.Decoder(FieldsApart)


def octets_of(text: str) -> bytes:
    """A text or a needle as it is compared; lone surrogates are kept."""
    return text.encode("utf-8", "surrogatepass")


def fields_apart(fields: Sequence[tuple[str, str]], header: bytes) -> FieldsApart | None:
    """The fields that the header text does not show; None: it shows all of them, and no others."""
    there = {(octets_of(name), octets_of(text)): None for name, text in fields if text}
    lines = set()
    for line in header.split(b"\n"):
        name, separator, value = line.partition(_SEPARATOR)
        if separator and (stripped := value.strip(b" ")):
            lines.add((name, stripped))
    is_complete = not lines <= there.keys()
    rest = tuple(field for field in there if is_complete or field not in lines)
    return FieldsApart(is_complete, rest) if rest or is_complete else None


def packed_fields(apart: FieldsApart | None) -> bytes:
    return msgspec.msgpack.encode(apart) if apart is not None else b""


def unpacked_fields(octets: bytes) -> FieldsApart | None:
    return _decoder.decode(octets) if octets else None


def field_contains(header: bytes, apart: bytes, name: bytes, needle: bytes) -> bool:
    """Whether a field of this name contains the needle."""
    stored = unpacked_fields(apart)
    if stored is not None:
        if any(field == name and needle in text for field, text in stored.fields):
            return True
        if stored.is_complete:
            return False
    return _SEPARATOR not in name and b"\n" not in name and any(needle in value for value in _values(header, name))


def field_values(header: bytes, apart: bytes, name: bytes) -> list[bytes]:
    """The texts of the fields of a name."""
    stored = unpacked_fields(apart)
    rest = [text for field, text in stored.fields if field == name] if stored is not None else []
    return rest if stored is not None and stored.is_complete else _values(header, name) + rest


def _values(header: bytes, name: bytes) -> list[bytes]:
    text = b"\n" + header
    prefix = b"\n" + name + _SEPARATOR
    values = []
    start = text.find(prefix)
    while start >= 0:
        begin = start + len(prefix)
        end = text.find(b"\n", begin)
        values.append(text[begin : end if end >= 0 else len(text)].strip(b" "))
        start = text.find(prefix, begin)
    return values
