"""The announcement of a literal at the end of a line (RFC 3501 §4.3, RFC 7888, RFC 3516)."""

import re
from typing import NamedTuple

MARKER_WINDOW = 32
"""Octets at the end of a line that can contain any valid marker."""

# literal  = "{" number ["+"] "}" CRLF *CHAR8         ; RFC 7888
# literal8 = "~{" number ["+"] "}" CRLF *OCTET        ; RFC 3516
_MARKER = re.compile(rb"\{([0-9]+)(\+?)\}\Z")
_MAX_DIGITS = 18
_BEYOND_ALL_LIMITS = 10**18


class LiteralMarker(NamedTuple):
    """A literal marker.

    `start` is its offset in the line; `waiting`: the literal is synchronising, so the client waits for `+`.
    """

    start: int
    size: int
    waiting: bool
    binary: bool


def trailing_marker(line: bytes) -> LiteralMarker | None:
    """The marker at the end of a line without CRLF, or None. Absurdly long numbers are read as 10^18."""
    if line[-1:] != b"}":
        return None
    brace = line.rfind(b"{")
    match = _MARKER.match(line, max(brace, 0))
    if match is None:
        return None
    digits = match[1]
    size = int(digits) if len(digits) <= _MAX_DIGITS else _BEYOND_ALL_LIMITS
    binary = line[brace - 1 : brace] == b"~"
    return LiteralMarker(brace - binary, size, not match[2], binary)
