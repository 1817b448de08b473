"""Mailbox names: hierarchy by `/`, INBOX in any case, and the mailboxes every account begins with."""

from __future__ import annotations

from collections.abc import Iterator

SEPARATOR = "/"
INBOX = "INBOX"
JUNK = "\\Junk"
DEFAULTS = (
    (INBOX, ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Spam", JUNK),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)
SPECIAL_USES = frozenset(use for _, use in DEFAULTS if use) | {"\\Flagged", "\\All"}
MAX_NAME = 1000
MAX_DEPTH = 30


class BadName(ValueError):
    """A mailbox cannot be called so; the text says why."""


def canonical(name: str) -> str:
    """The name as the store keeps it: INBOX in capitals, also at the head of its inferiors."""
    head, separator, rest = name.partition(SEPARATOR)
    return INBOX + separator + rest if head.upper() == INBOX else name


def checked(name: str) -> str:
    """The canonical name of a mailbox to be made. Raises BadName."""
    name = canonical(name.removesuffix(SEPARATOR))
    if not name or len(name) > MAX_NAME:
        raise BadName("a mailbox name has 1 to 1000 characters")
    if any(not part or part != part.strip() for part in name.split(SEPARATOR)):
        raise BadName("no level of a mailbox name may be empty or begin or end with a blank")
    if name.count(SEPARATOR) >= MAX_DEPTH:
        raise BadName(f"mailboxes nest at most {MAX_DEPTH} deep")
    if any(ord(character) < 32 or ord(character) == 127 for character in name) or any(
        character in "*%" for character in name
    ):
        raise BadName("a mailbox name has no control characters, * or %")
    return name


def ancestors(name: str) -> Iterator[str]:
    """The names above this one, the topmost first."""
    parts = name.split(SEPARATOR)
    return (SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts)))
