"""Text for a terminal. Much of what is shown was written by strangers, who must not control the terminal."""

from __future__ import annotations


def printable(text: str, *, keep_lines: bool = False) -> str:
    """The text without characters that control a terminal; `keep_lines` keeps the ends of lines."""
    return "".join(
        character if character.isprintable() or (keep_lines and character == "\n") else "�" for character in text
    )
