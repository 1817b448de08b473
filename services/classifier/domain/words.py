"""Text → words, in any script."""

import re
from itertools import pairwise

MAX_WORD = 20

# A word may hold digits, apostrophes, dots, hyphens and dollar signs; amounts and rows of exclamation marks are words too;
# scripts that set no spaces (from U+2E80: CJK) give one word a character, and their pairs say the rest.
_EDGE = r"[^\W_\u2e80-\U0010ffff]"
_INNER = r"[^\x00-\x20!\"#%&()*+,/:;<=>?@\[\\\]^`{|}~\x7f-\xa0\u2000-\u206f\u2e80-\U0010ffff]"
_WORD = re.compile(rf"{_EDGE}(?:{_INNER}{{0,38}}{_EDGE})?|[$€£]\d[\d.,]{{0,20}}|!!+|[\u2e80-\U0010ffff]")
# A model that learns the year thinks that all mail of the next is strange.
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def without_years(text: str) -> str:
    """The text without the numbers of years."""
    return _YEAR.sub(" ", text)


def words(text: str) -> list[str]:
    """The words as they are written, in order."""
    return _WORD.findall(text)


def lower(found: list[str]) -> list[str]:
    """The words in lower case, cut to MAX_WORD characters."""
    return [word[:MAX_WORD] for word in "\n".join(found).lower().split("\n")] if found else []


def pairs(found: list[str]) -> list[str]:
    """Each two neighbours."""
    return [f"{first} {second}" for first, second in pairwise(found)]


def shouted(found: list[str], lowered: list[str]) -> list[str]:
    """Tokens for words of more than three letters that are written in capitals."""
    return ["^" + low for word, low in zip(found, lowered, strict=True) if len(word) > 3 and word.isupper()]
