"""Small compound files ([MS-CFB] version 3), written with the standard library: messages of Outlook, and others."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Tree = Mapping[str, "bytes | Tree"]
_SECTOR = 512
_SHORTEST_STREAM = 4096
"""Shorter streams would be in the mini stream, which these files do not have."""
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_PER_SECTOR = _SECTOR // 4


def compound_of(tree: Tree) -> bytes:
    """A file with these streams and, as mappings, storages; streams are padded to 4096 octets."""
    return _CompoundFile(tree).octets()


def msg_of(subject: str, text: str) -> bytes:
    """A message of Outlook ([MS-OXMSG])."""
    values = {0x001A: "IPM.Note", 0x0037: subject, 0x1000: text}
    properties = bytes(32) + b"".join(
        struct.pack("<HHIII", 0x1F, number, 6, len(value) * 2 + 2, 0) for number, value in values.items()
    )
    streams = {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le") for number, value in values.items()}
    return compound_of({"__properties_version1.0": properties, **streams})


class _CompoundFile:
    def __init__(self, tree: Tree) -> None:
        self._sectors: list[bytes] = []
        self._table: list[int] = []
        self._entries: list[list[object]] = []
        root = self._entry("Root Entry", 5, _END, 0)
        self._entries[root][5] = self._fill(tree)

    def octets(self) -> bytes:
        packed = b"".join(
            struct.pack("<64sHBBIII36xIQ", str(name).encode("utf-16-le"), len(str(name)) * 2 + 2, *values)
            for name, *values in self._entries
        )
        folder = self._put(packed + bytes(-len(packed) % _SECTOR))
        count = next(number for number in range(1, 110) if number * _PER_SECTOR >= len(self._table) + number)
        first = len(self._table)
        table = [*self._table, *[_TABLE] * count]
        table += [_FREE] * (count * _PER_SECTOR - len(table))
        header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        header += struct.pack("<HHHHH6x10I", 0x3E, 3, 0xFFFE, 9, 6, 0, count, folder, 0, 4096, _END, 0, _END, 0, first)
        header += struct.pack(f"<{count - 1}I", *range(first + 1, first + count))
        return header.ljust(_SECTOR, b"\xff") + b"".join(self._sectors) + struct.pack(f"<{len(table)}I", *table)

    def _put(self, octets: bytes) -> int:
        first, count = len(self._table), -(-len(octets) // _SECTOR)
        self._sectors.append(octets.ljust(count * _SECTOR, b"\0"))
        self._table += [*range(first + 1, first + count), _END]
        return first

    def _entry(self, name: str, kind: int, start: int, size: int) -> int:
        self._entries.append([name, kind, 1, _FREE, _FREE, _FREE, start, size])
        return len(self._entries) - 1

    def _fill(self, tree: Tree) -> int:
        numbers = []
        for name in sorted(tree, key=lambda name: (len(name), name.upper())):
            content = tree[name]
            if isinstance(content, bytes):
                padded = content.ljust(_SHORTEST_STREAM, b"\0")
                numbers.append(self._entry(name, 2, self._put(padded), len(padded)))
            else:
                numbers.append(self._entry(name, 1, 0, 0))
                self._entries[numbers[-1]][5] = self._fill(content)
        return self._linked(numbers)

    def _linked(self, numbers: Sequence[int]) -> int:
        """The middle entry; those before it are its left tree, those behind it its right tree."""
        if not numbers:
            return _FREE
        middle = len(numbers) // 2
        number = numbers[middle]
        self._entries[number][3] = self._linked(numbers[:middle])
        self._entries[number][4] = self._linked(numbers[middle + 1 :])
        return number
