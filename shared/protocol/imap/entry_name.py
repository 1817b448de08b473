"""The names of annotations: paths below /private or /shared (RFC 5464 §3.2)."""

from __future__ import annotations

import re
from enum import Enum

PRIVATE, SHARED = "/private/", "/shared/"
SCRIPT_ENTRY = "/shared/imapsieve/script"
"""The name of the script that runs for events in the mailbox (RFC 6785 §2.3.1)."""
SEEN_ENTRY = "/shared/vendor/mailfold/seen"
r"""Whether \Seen of a mailbox is `own`, each user's own, or `shared` by all, as where the entry is missing."""
OWN_SEEN, SHARED_SEEN = b"own", b"shared"
MAX_ENTRY_OCTETS = 500
MAX_COMPONENTS = 20
# 7-bit without controls, "*" and "%"; no empty component
_ENTRY = re.compile(r"/(?:private|shared)(?:/[ -$&-).+,\-0-~]+)+")
_BASE = re.compile(r"/(?:private|shared)(?:/[ -$&-).+,\-0-~]+)*")


class InvalidEntryName(ValueError):
    """No annotation can have this name."""


class Depth(Enum):
    """How far below the named entries a question reaches (RFC 5464 §4.2.2); the value is the wire text."""

    EXACT = b"0"
    CHILDREN = b"1"
    ALL = b"INFINITY"


def entry_name(text: str) -> str:
    """The canonical form of a name, which is compared without case. Raises InvalidEntryName."""
    return _canonical(text, _ENTRY)


def entry_base(text: str) -> str:
    """The canonical form of a name, or of /private or /shared themselves, below which entries may be asked for.

    Raises InvalidEntryName.
    """
    return _canonical(text, _BASE)


def is_within(entry: str, base: str, depth: Depth) -> bool:
    """Whether a question for `base` with this depth includes the entry."""
    if entry == base:
        return True
    if depth is Depth.EXACT or not entry.startswith(base + "/"):
        return False
    return depth is Depth.ALL or "/" not in entry[len(base) + 1 :]


def _canonical(text: str, form: re.Pattern[str]) -> str:
    name = text.lower()
    if len(name) > MAX_ENTRY_OCTETS or name.count("/") > MAX_COMPONENTS:
        raise InvalidEntryName(
            f"the name of an annotation has at most {MAX_ENTRY_OCTETS} octets and {MAX_COMPONENTS} components"
        )
    if not form.fullmatch(name):
        raise InvalidEntryName(
            "the name of an annotation begins with /private/ or /shared/ and has no *, %, empty component or control"
        )
    return name
