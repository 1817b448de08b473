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


class Flags(msgspec.Struct, frozen=True):
    """One message's flags."""

    system: int = 0
    keywords: str = ""
    """Sorted, separated by single blanks; compared without case."""

    def names(self) -> tuple[str, ...]:
        """As IMAP writes them."""
        return _SPELLED[self.system] + tuple(self.keywords.split()) if self.keywords else _SPELLED[self.system]


def parse(names: Iterable[str]) -> Flags:
    """Flags from their names. Unknown system flags, \\Recent among them, are passed over."""
    system = 0
    keywords: dict[str, str] = {}
    for name in names:
        if name.startswith("\\"):
            system |= _BITS.get(name.lower(), 0)
        elif name:
            keywords.setdefault(name.lower(), name)
    return Flags(system, " ".join(sorted(keywords.values(), key=str.lower)))


def changed(flags: Flags, mode: str, given: Flags) -> Flags:
    """The flags after a STORE: mode `add`, `remove` or `replace`."""
    if mode == "replace":
        return given
    if not given.keywords:
        return Flags(flags.system | given.system if mode == "add" else flags.system & ~given.system, flags.keywords)
    have = {word.lower(): word for word in flags.keywords.split()}
    for word in given.keywords.split():
        if mode == "add":
            have.setdefault(word.lower(), word)
        else:
            have.pop(word.lower(), None)
    system = flags.system | given.system if mode == "add" else flags.system & ~given.system
    return Flags(system, " ".join(sorted(have.values(), key=str.lower)))
