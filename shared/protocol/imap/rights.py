"""The rights of an access control list (RFC 4314 §2)."""

from __future__ import annotations

from collections.abc import Iterable

ALL_RIGHTS = "lrswipkxtea"
"""Every right, in the order in which they are shown."""
OBSOLETE = {"c": "kx", "d": "te"}
"""The rights of RFC 2086 that stand for several others (RFC 4314 §2.1.1)."""
_ORDER = {right: place for place, right in enumerate(ALL_RIGHTS)}
_KNOWN = frozenset(ALL_RIGHTS) | OBSOLETE.keys()
_CHANGES = frozenset("iestw")
MAX_IDENTIFIER = 400
"""Octets of an identifier: more than any address has."""


class InvalidRights(ValueError):
    """A text that names rights which do not exist; the text says which."""


def canonical_rights(rights: Iterable[str]) -> str:
    """Rights in their order, each once, without obsolete ones."""
    every = {single for right in rights for single in OBSOLETE.get(right, right)}
    return "".join(sorted(every, key=_ORDER.__getitem__))


def parse_rights(text: str) -> str:
    """The rights of a command, in their order. Raises InvalidRights (RFC 4314 §3.1)."""
    unknown = sorted(set(text) - _KNOWN)
    if unknown:
        raise InvalidRights("There are no rights " + " ".join(unknown))
    return canonical_rights(text)


def shown_rights(rights: str) -> str:
    """Rights as responses show them, with the obsolete ones of which the client has any part (RFC 4314 §2.1.1)."""
    return rights + "".join(old for old, parts in OBSOLETE.items() if not set(parts).isdisjoint(rights))


def changed_rights(present: str, mode: str, given: str) -> str:
    """The rights after a SETACL: `+` adds, `-` takes away, and an empty mode replaces (RFC 4314 §3.1)."""
    match mode:
        case "+":
            return canonical_rights(present + given)
        case "-":
            return canonical_rights(set(present) - set(given))
        case _:
            return canonical_rights(given)


def may_change(rights: str) -> bool:
    """Whether a mailbox is opened READ-WRITE with these rights (RFC 4314 §5.2)."""
    return not _CHANGES.isdisjoint(rights)


def right_for_flag(flag: str) -> str:
    r"""The right that a change of a flag needs: `s` for \Seen, `t` for \Deleted, `w` for all others (RFC 4314 §4)."""
    return {"\\seen": "s", "\\deleted": "t"}.get(flag.lower(), "w")


def permitted_flags(flags: Iterable[str], rights: str) -> list[str]:
    """Those of the flags that may be changed with these rights."""
    return [flag for flag in flags if right_for_flag(flag) in rights]
