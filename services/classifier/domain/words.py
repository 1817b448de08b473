"""Splits a text in any script into words, by patterns. `word_bytes` follows the same rules and is faster."""

import re

# A word may hold digits, apostrophes, dots, hyphens and dollar signs, and ends after 20 characters. Amounts and rows of
# exclamation marks are words too. In scripts without spaces (from U+2E80: CJK) each character is a word, and pairs of
# words carry the meaning.
LONGEST = 20
_AMOUNTS = r"|[$€£]\d[\d.,]{0,20}|!!+"
_EDGE = r"[^\W_\u2e80-\U0010ffff]"
_INNER = r"[^\x00-\x20!\"#%&()*+,/:;<=>?@\[\\\]^`{|}~\x7f-\xa0\u2000-\u206f\u2e80-\U0010ffff]"
_ANY = re.compile(rf"{_EDGE}(?:{_INNER}{{0,18}}{_EDGE})?{_AMOUNTS}|[\u2e80-\U0010ffff]")
# The same rules for ASCII text, where this pattern is twice as fast.
_ASCII = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_$'.-]{0,18}[A-Za-z0-9])?" + _AMOUNTS, re.ASCII)
# Years are left out: a model that learns this year would find all mail of the next year unusual.
YEARS = frozenset(map(str, range(1900, 2100)))


def words(text: str) -> list[str]:
    """The words as they are written, in order."""
    return _pattern(text).findall(text)


def lower(words: list[str]) -> list[str]:
    """The words in lower case, without numbers of years."""
    if not words:
        return []
    lowered = "\n".join(words).lower().split("\n")
    return lowered if YEARS.isdisjoint(lowered) else [word for word in lowered if word not in YEARS]


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII if text.isascii() else _ANY
