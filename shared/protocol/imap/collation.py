"""The collation i;unicode-casemap, by which SORT and THREAD compare texts (RFC 5051, RFC 5256 §3)."""

from __future__ import annotations

import unicodedata


def casemap(text: str) -> str:
    """A text whose code points compare as the collation says: in title case, character by character, decomposed."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", "".join([_title(character) for character in text]))


def _title(character: str) -> str:
    """The simple mapping to title case; a character whose mapping has several characters stays (RFC 5051 §2)."""
    title = character.title()
    return title if len(title) == 1 else character
