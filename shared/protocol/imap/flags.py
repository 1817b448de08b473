"""Flags: the system flags and keywords of a message (RFC 3501 §2.3.2)."""

import re
from collections.abc import Iterable

SEEN = "\\Seen"
ANSWERED = "\\Answered"
FLAGGED = "\\Flagged"
DELETED = "\\Deleted"
DRAFT = "\\Draft"
RECENT = "\\Recent"

SETTABLE_SYSTEM_FLAGS = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
r"""The flags that clients may set (RFC 3501 §9, `flag`); \Recent is set only by the server."""

MAX_KEYWORD_LENGTH = 128

_KNOWN_KEYWORDS = (
    "$Forwarded",
    "$MDNSent",
    "$Junk",
    "$NotJunk",
    "$Phishing",
    "$Important",
    "$SubmitPending",
    "$Submitted",
    "NonJunk",
    "Junk",
)
_CANONICAL = {flag.lower(): flag for flag in (*SETTABLE_SYSTEM_FLAGS, *_KNOWN_KEYWORDS)}

# flag-keyword = "$MDNSent" / ... / atom
_KEYWORD = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~]{1,128}")


class InvalidFlag(ValueError):
    """A flag that clients may not set; the text says why and may be shown to the client."""


def canonical_flag(flag: str) -> str:
    """The flag in the form in which it is stored and shown. Raises InvalidFlag.

    System flags and registered keywords get their registered spelling; other keywords keep theirs, to be compared
    without regard to case.
    """
    known = _CANONICAL.get(flag.lower())
    if known:
        return known
    if flag.startswith("\\"):
        raise InvalidFlag("This system flag cannot be set")
    if not is_keyword(flag):
        raise InvalidFlag("Invalid keyword")
    return flag


def is_keyword(flag: str) -> bool:
    """Whether this is an atom of an accepted length."""
    return _KEYWORD.fullmatch(flag) is not None


def is_system_flag(flag: str) -> bool:
    """Whether this is one of the system flags of the RFC."""
    return flag.startswith("\\")


# flag-list = "(" [flag *(SP flag)] ")"
def flag_list(flags: Iterable[str]) -> bytes:
    """Flags as a list on the wire; they must be canonical."""
    return f"({' '.join(flags)})".encode()
