"""The names in the root of a compound file ([MS-CFB] 2), in which Office until 2003 and Outlook keep their streams."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SECTOR_SHIFT, _FIRST_FOLDER_SECTOR, _TABLE_SECTORS = 30, 48, 76
_IN_HEADER = 109
"""Sectors of the allocation table that the header names; with these, folders of some 7 MB and more are read."""
_ENTRY = struct.Struct("<64sHBBIII")
_ENTRY_SIZE = 128
_MOST_SECTORS = 2048
_MOST_NAMES = 1000
_SHORTEST = 512


def root_names(octets: bytes) -> set[str]:
    """The names of the streams and storages in the root; what is damaged ends the search."""
    entries = b"".join(_folder_sectors(octets))
    if len(entries) < _ENTRY_SIZE:
        return set()
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [_ENTRY.unpack_from(entries)[6]]
    while waiting and len(seen) < _MOST_NAMES:
        index = waiting.pop()
        if index in seen or (index + 1) * _ENTRY_SIZE > len(entries):
            continue
        seen.add(index)
        name, length, _, _, left, right, _ = _ENTRY.unpack_from(entries, index * _ENTRY_SIZE)
        names.add(name[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"))
        waiting += [left, right]
    return names


def _folder_sectors(octets: bytes) -> Iterator[bytes]:
    """The sectors of the folder, by the chain in the allocation table."""
    if len(octets) < _SHORTEST:
        return
    size = 1 << min(struct.unpack_from("<H", octets, _SECTOR_SHIFT)[0], 12)
    table = struct.unpack_from(f"<{_IN_HEADER}I", octets, _TABLE_SECTORS)
    sector = struct.unpack_from("<I", octets, _FIRST_FOLDER_SECTOR)[0]
    per_sector = size // 4
    for _ in range(_MOST_SECTORS):
        content = octets[(sector + 1) * size : (sector + 2) * size]
        if not content:
            return
        yield content
        if not per_sector or sector // per_sector >= _IN_HEADER:
            return
        place = (table[sector // per_sector] + 1) * size + sector % per_sector * 4
        if place + 4 > len(octets):
            return
        sector = struct.unpack_from("<I", octets, place)[0]
