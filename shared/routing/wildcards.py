"""Aliases with wildcards: `*` in the localpart stands for any number of characters, all else for itself.

Patterns are compared as lookup keys, without regular expressions, so that a comparison is linear in the localpart.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

WILDCARD = "*"


class Wildcard:
    """The pattern of a localpart, as in `sales-*`."""

    __slots__ = ("_pieces", "literal", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._pieces = tuple(text.split(WILDCARD))
        self.literal = len(text) - text.count(WILDCARD)
        """The number of its literal characters; a pattern with more of them is more specific."""

    def matches(self, localpart: str) -> bool:
        """Whether the pattern stands for this localpart."""
        first, *middle, last = self._pieces
        if len(localpart) < self.literal or not localpart.startswith(first) or not localpart.endswith(last):
            return False
        place, end = len(first), len(localpart) - len(last)
        for piece in middle:  # the first place of each piece leaves the most room for the others
            place = localpart.find(piece, place, end)
            if place < 0:
                return False
            place += len(piece)
        return True


class Wildcards:
    """The patterns of a domain. The one with the most literal characters counts, then the first by text."""

    def __init__(self) -> None:
        self._ordered: list[tuple[int, str, Wildcard]] = []

    def __len__(self) -> int:
        return len(self._ordered)

    def add(self, localpart: str) -> None:
        """Add a pattern."""
        pattern = Wildcard(localpart)
        insort(self._ordered, (-pattern.literal, localpart, pattern), key=lambda entry: entry[:2])

    def remove(self, localpart: str) -> None:
        """Remove a pattern, if it is there."""
        self._ordered = [entry for entry in self._ordered if entry[1] != localpart]

    def copy(self) -> Wildcards:
        """The same patterns, to be changed apart."""
        copied = Wildcards()
        copied._ordered = list(self._ordered)
        return copied

    def match(self, localparts: Iterable[str]) -> tuple[str, str] | None:
        """The pattern of the first localpart that has one, and that localpart; None when no pattern stands for any."""
        for localpart in localparts:
            for _, text, pattern in self._ordered:
                if pattern.matches(localpart):
                    return text, localpart
        return None
