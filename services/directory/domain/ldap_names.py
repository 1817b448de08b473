"""Names of entries in a directory elsewhere (distinguished names, RFC 4514), in a form that can be compared."""

from __future__ import annotations

import re

NAME_LIMIT = 2_000
"""Characters of a distinguished name at most."""
_ROOM = re.compile(r"\s*([,=+])\s*")
_SPACES = re.compile(r"\s+")
_UNIQUE = re.compile(r"#'[01]*'B$")
_ESCAPED = re.compile(r"(?:\\[0-9a-fA-F]{2})+|\\.", re.DOTALL)
_SPECIAL = frozenset(',=+"\\<>;#\0')


def comparable(name: str) -> str:
    """The name without regard to case, to spaces and to how characters are escaped; empty for an overlong name.

    It is only compared with other results of this function, and it does not know which attributes have case.
    """
    if len(name) > NAME_LIMIT:
        return ""
    parts = _ESCAPED.split(name)
    escapes = [_unescaped(match) for match in _ESCAPED.findall(name)]
    plain = [_ROOM.sub(r"\1", _SPACES.sub(" ", part.replace(";", ","))) for part in parts]
    joined = "".join(text for pair in zip(plain, [*escapes, ""], strict=True) for text in pair)
    return joined.strip().casefold()


def without_unique_part(value: str) -> str:
    """The name in a value of `uniqueMember`, which may end in a bit string (RFC 4517 §3.3.21)."""
    return _UNIQUE.sub("", value)


def is_below(name: str, base: str) -> bool:
    """Whether a comparable name is that of an entry below a comparable base, or of the base itself."""
    return not base or name == base or name.endswith(f",{base}")


def _unescaped(escape: str) -> str:
    """An escaped character as it is, or, when it means something, in hexadecimal digits (RFC 4514 §2.4)."""
    is_hexadecimal = len(escape) > 2
    text = bytes.fromhex(escape.replace("\\", "")).decode("utf-8", "replace") if is_hexadecimal else escape[1:]
    return "".join(f"\\{ord(character):02x}" if character in _SPECIAL else character for character in text)
