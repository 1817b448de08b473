"""Lists of words written as running text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of a text, blanks and line ends between them."""
    return tuple(text.split())
