"""Message flags as the store keeps them: system flags as bits, keywords as words (RFC 3501 §2.3.2)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SEEN, ANSWERED, FLAGGED, DELETED, DRAFT = 1, 2, 4, 8, 16
_BITS = {"\\seen": SEEN, "\\answered": ANSWERED, "\\flagged": FLAGGED, "\\deleted": DELETED, "\\draft": DRAFT}
_NAMES = (
    (SEEN, "\\Seen"),
    (ANSWERED, "\\Answered"),
    (FLAGGED, "\\Flagged"),
    (DELETED, "\\Deleted"),
    (DRAFT, "\\Draft"),
)
_SPELLED = [tuple(name for bit, name in _NAMES if bits & bit) for bits in range(32)]


class Flags(msgspec.Struct, frozen=True, cache_hash=True):
    """The flags of one message."""

    system: int = 0
    keywords: str = ""
    """The keywords, sorted and separated by single blanks; case does not matter in comparisons."""

    @property
    def words(self) -> int:
        """The number of keywords."""
        return self.keywords.count(" ") + 1 if self.keywords else 0

    def names(self) -> tuple[str, ...]:
        """The names of all flags, as IMAP writes them."""
        return _SPELLED[self.system] + tuple(self.keywords.split()) if self.keywords else _SPELLED[self.system]


def parse(names: Iterable[str]) -> Flags:
    r"""Flags from their names. Unknown system flags, and \Recent, are ignored."""
    system = 0
    keywords: dict[str, str] = {}
    for name in names:
        if name.startswith("\\"):
            system |= _BITS.get(name.lower(), 0)
        elif name:
            keywords.setdefault(name.lower(), name)
    return Flags(system, " ".join(sorted(keywords.values(), key=str.lower)))


class Change:
    """A change of flags by STORE: mode `add`, `remove` or `replace`."""

    def __init__(self, mode: str, given: Flags) -> None:
        self._mode = mode
        self._given = given
        self._words = {word.lower(): word for word in given.keywords.split()}

    def applied(self, flags: Flags) -> Flags:
        """The flags after the change.

        The work depends only on the number of the message's keywords and of those added.
        """
        given = self._given
        if self._mode == "replace":
            return given
        is_added = self._mode == "add"
        system = flags.system | given.system if is_added else flags.system & ~given.system
        if not self._words:
            return Flags(system, flags.keywords)
        have = {word.lower(): word for word in flags.keywords.split()}
        if is_added:
            have = self._words | have
        else:
            have = {lower: word for lower, word in have.items() if lower not in self._words}
        return Flags(system, " ".join(sorted(have.values(), key=str.lower)))
