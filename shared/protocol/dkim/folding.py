"""Writes the tags of a signature on lines of at most 72 characters (RFC 6376 §3.2: white space between tags)."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

_LINE = 72
_NAME_GROUP = re.compile(r"(?:[^:;]+(?::|;\Z)){1,4}")


def base64_text(octets: bytes) -> str:
    """The octets in base64 without line ends."""
    return base64.b64encode(octets).decode("ascii")


def name_words(names: Iterable[bytes]) -> list[str]:
    """h= in pieces that may be on lines of their own, because white space is allowed after a colon."""
    text = b":".join(names).decode("ascii")
    return [group[0] for group in _NAME_GROUP.finditer(f"h={text};")]


def folded(name: str, words: Iterable[str]) -> bytes:
    """A field of this name with the words, folded between them, without its final CRLF."""
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > _LINE:
            lines.append(line)
            line = ""
        line += " " + word
    return "\r\n".join([*lines, line]).encode("utf-8")


def wrapped(value: str) -> bytes:
    """A base64 value on several lines."""
    return "\r\n\t".join(value[at : at + _LINE] for at in range(0, len(value), _LINE)).encode("ascii")
