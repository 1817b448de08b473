"""Packed tables of accounts and aliases: an entry takes little more than its own texts."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shared.routing.packed_table import PackedTable


class KnownName(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An address here that holds something."""

    address: str


N = TypeVar("N", bound=KnownName)


def packed_names(name_type: type[N]) -> PackedTable[N]:
    """A table of names by their lookup keys.

    An address that is its own lookup key is stored once, and the last fields not at all while they have their defaults.
    """
    decoder = msgspec.json.Decoder(name_type)
    defaults = [field.default for field in msgspec.structs.fields(name_type)]

    def encode(key: str, name: N) -> bytes:
        values = list(msgspec.structs.astuple(name))
        values[0] = "" if name.address == key else name.address
        while values[-1] == defaults[len(values) - 1]:
            values.pop()
        return msgspec.json.encode(values)

    def decode(key: str, encoded: bytes) -> N:
        name = decoder.decode(encoded)
        return name if name.address else msgspec.structs.replace(name, address=key)

    return PackedTable(encode, decode)


def packed_texts() -> PackedTable[str]:
    """A table of texts without control characters."""
    return PackedTable(lambda _key, text: text.encode(), lambda _key, encoded: encoded.decode())
