"""A mapping from texts to small values that keeps each entry in about its own octets.

A dictionary of objects takes some 400 octets for an account, and an installation may have a hundred thousand accounts
in several processes. Here the entries are octets in two thousand pages, chosen by the hash of the key; a look-up
searches its page, and a change copies at most that page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Generic, TypeVar, overload

V = TypeVar("V")
D = TypeVar("D")
PAGES = 2_048
"""At 300,000 entries a page has some 150 of them and 8 KB, which take some microseconds to search. Smaller pages would
waste more memory between them."""
_BEFORE_KEY, _BEFORE_VALUE = b"\x00", b"\x01"


class PackedTable(MutableMapping[str, V], Generic[V]):
    """The mapping. The order of its entries has no meaning, and it must not be changed while it is iterated."""

    def __init__(self, encode: Callable[[str, V], bytes], decode: Callable[[str, bytes], V]) -> None:
        """`encode` and `decode` convert the value of a key. Its octets must not contain 0, as JSON never does."""
        self._encode = encode
        self._decode = decode
        self._pages = [b""] * PAGES
        self._entries = 0

    def __getitem__(self, key: str) -> V:
        page, start, end = self._place(key)
        if start < 0:
            raise KeyError(key)
        return self._decode(key, page[start:end])

    @overload
    def get(self, key: str) -> V | None: ...
    @overload
    def get(self, key: str, default: V | D) -> V | D: ...
    def get(self, key: str, default: V | D | None = None) -> V | D | None:
        """The value of a key, or the default."""
        page, start, end = self._place(key)
        return default if start < 0 else self._decode(key, page[start:end])

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._place(key)[1] >= 0

    def __setitem__(self, key: str, value: V) -> None:
        """Set a value. Raises ValueError for a key that has one of the octets 0 and 1, or a value with the octet 0."""
        encoded, wire_key = self._encode(key, value), key.encode()
        if _BEFORE_KEY in encoded or _BEFORE_KEY in wire_key or _BEFORE_VALUE in wire_key:
            raise ValueError(f"{key!r} cannot be a key here")
        page, start, end = self._place(key)
        number = hash(key) % len(self._pages)
        if start < 0:
            self._pages[number] = b"".join((page, _BEFORE_KEY, wire_key, _BEFORE_VALUE, encoded))
            self._entries += 1
        else:
            self._pages[number] = b"".join((page[:start], encoded, page[end:]))

    def __delitem__(self, key: str) -> None:
        page, start, end = self._place(key)
        if start < 0:
            raise KeyError(key)
        self._pages[hash(key) % len(self._pages)] = page[: start - len(key.encode()) - 2] + page[end:]
        self._entries -= 1

    def __iter__(self) -> Iterator[str]:
        for page in self._pages:
            for entry in page.split(_BEFORE_KEY)[1:]:
                yield entry.partition(_BEFORE_VALUE)[0].decode()

    def __len__(self) -> int:
        return self._entries

    def _place(self, key: str) -> tuple[bytes, int, int]:
        """The page of a key, and where its value begins and ends there; -1 without an entry."""
        page = self._pages[hash(key) % len(self._pages)]
        sought = _BEFORE_KEY + key.encode() + _BEFORE_VALUE
        at = page.find(sought)
        if at < 0:
            return page, -1, -1
        start = at + len(sought)
        end = page.find(_BEFORE_KEY, start)
        return page, start, len(page) if end < 0 else end
