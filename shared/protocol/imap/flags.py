"""Flags: the system flags and keywords of a message (RFC 3501 2.3.2)."""

import re
from collections.abc import Iterable

SEEN = "\\Seen"
ANSWERED = "\\Answered"
FLAGGED = "\\Flagged"
DELETED = "\\Deleted"
DRAFT = "\\Draft"
RECENT = "\\Recent"

SETTABLE_SYSTEM_FLAGS = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)
"""RFC 3501 9 `flag`: \\Recent is set by the server alone."""

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
    """A flag that no client may set; the text says why and is safe to show."""


def canonical_flag(flag: str) -> str:
    """One flag as we store and show it; raises InvalidFlag.

    System flags and registered keywords get their registered spelling; other keywords keep theirs (compare them
    case-insensitively).
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
    """Whether this is an atom of a length that we keep."""
    return _KEYWORD.fullmatch(flag) is not None


def is_system_flag(flag: str) -> bool:
    """Whether this is one of the RFC's own flags."""
    return flag.startswith("\\")


# flag-list = "(" [flag *(SP flag)] ")"
def flag_list(flags: Iterable[str]) -> bytes:
    """Flags as a wire list; they must be canonical."""
    return f"({' '.join(flags)})".encode()
