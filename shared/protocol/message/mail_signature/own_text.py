"""Whether the sender's own text has the mail signature already, whatever a client has done to its lines and blanks."""

from __future__ import annotations

import re
from typing import Final

_MOST_TRIES: Final = 100
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


def has_signature(own: str, signature: str) -> bool:
    """Whether the words of the signature are in the text, from the start of a line to the end of a line.

    Case, blanks, line breaks, lines with nothing but `--` and invisible characters do not count. A signature of a few
    words within a sentence is no signature. Quotations are not part of `own`, so a thread does not count.
    """
    words = " ".join(_rows(signature))
    if not words or not _may_have(own, words):
        return False
    rows = _rows(own)
    starts, ends, at = set(), set(), 0
    for row in rows:
        starts.add(at)
        ends.add(at + len(row))
        at += len(row) + 1
    text, at = " ".join(rows), -1
    for _ in range(_MOST_TRIES):
        at = text.find(words, at + 1)
        if at < 0:
            return False
        if at in starts and at + len(words) in ends:
            return True
    return False


def _may_have(own: str, words: str) -> bool:
    """Whether the first word is there at all; most texts are done after this."""
    return words.partition(" ")[0] in own.casefold() or _ZERO_WIDTH.search(own) is not None


def _rows(text: str) -> list[str]:
    rows = (" ".join(_ZERO_WIDTH.sub("", line).split()).casefold() for line in text.split("\n"))
    return [row for row in rows if row and row != "--"]
