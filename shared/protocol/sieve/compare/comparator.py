"""The comparators of RFC 4790 and RFC 5051. Values are the octets of UTF-8 text.

`i;octet` and `i;ascii-casemap` work on octets (RFC 5228 §2.7.1): a `?` of `:matches` is an octet, and only A to Z have
another case. `i;unicode-casemap` works on characters.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, NamedTuple

_DIGITS = re.compile(rb"[0-9]+")
_CACHED_CHARACTERS = 4096


class Comparator(NamedTuple):
    """`form` maps a value to what is compared for equality and searched for substrings, `rank` to what is ordered."""

    name: str
    form: Callable[[bytes], Hashable]
    rank: Callable[[bytes], Any]
    has_substrings: bool
    """Whether it has the substring operation, which :contains and :matches need."""
    by_character: bool = False


def _same(value: bytes) -> bytes:
    return value


def _numeric_rank(value: bytes) -> tuple[int, int, bytes]:
    """RFC 4790 §9.1: the number of the leading digits; without digits, positive infinity.

    Digits are compared as text of equal length, because a number of a stranger may have any size.
    """
    match = _DIGITS.match(value)
    if match is None:
        return (1, 0, b"")
    digits = match[0].lstrip(b"0")
    return (0, len(digits), digits)


@lru_cache(maxsize=_CACHED_CHARACTERS)
def fold_character(character: str) -> str:
    """RFC 5051 §2: title case, then compatibility decomposition; recomposed, so that a letter stays a character."""
    title = character.title()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", title if len(title) == 1 else character))


def _unicode_form(value: bytes) -> str:
    text = value.decode("utf-8", "surrogateescape")
    folded = text.upper() if text.isascii() else "".join(map(fold_character, unicodedata.normalize("NFC", text)))
    return folded if folded.isascii() else unicodedata.normalize("NFKD", folded)


def _unicode_rank(value: bytes) -> bytes:
    return _unicode_form(value).encode("utf-8", "surrogateescape")


COMPARATORS = {
    "i;octet": Comparator("i;octet", _same, _same, True),
    "i;ascii-casemap": Comparator("i;ascii-casemap", bytes.lower, bytes.upper, True),
    "i;ascii-numeric": Comparator("i;ascii-numeric", _numeric_rank, _numeric_rank, False),
    "i;unicode-casemap": Comparator("i;unicode-casemap", _unicode_form, _unicode_rank, True, by_character=True),
}
RELATIONS: dict[bytes, Callable[[Any, Any], bool]] = {
    b"gt": operator.gt,
    b"ge": operator.ge,
    b"lt": operator.lt,
    b"le": operator.le,
    b"eq": operator.eq,
    b"ne": operator.ne,
}
"""The relations of `:value` and `:count` (RFC 5231), between ranks."""
DEFAULT_COMPARATOR = COMPARATORS["i;ascii-casemap"]
