"""Header fields of generated mails: the one place where texts of scripts and of strangers become header lines.

No text can add a line, a field or the end of the header: control characters are left out, lines are folded between
words, no line consists of blanks, and everything has a bound.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence

MOST_CHARACTERS = 1000
"""Characters of an unstructured text, such as a subject."""
MOST_REFERENCES = 20
_LINE = 78
_WORD = 900
"""Octets of a word; a line may have 998 (RFC 5322 §2.1.1)."""
_FIELD = 16 * 1024
_ENCODED = 42
"""Octets of UTF-8 in an encoded word, which may have 75 characters (RFC 2047 §2)."""
_NAME = re.compile(r"[!-9;-~]{1,70}")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,240}@[!-;=?-~]{1,240}>")  # one way to match, so the work is linear
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]{1,200}")


def field(name: str, words: Iterable[str]) -> bytes:
    """A field with its CRLF, folded between the words; b"" when there are none. Raises ValueError for a bad name."""
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name[:80]!r} is not the name of a field")
    line, written, size = f"{name}:", list[str](), 0
    for word in filter(None, map(_clean, words)):
        size += len(word.encode())
        if size > _FIELD:
            break
        if written and len(line) + 1 + len(word) > _LINE:
            line += "\r\n"
            written.append(line)
            line = ""
        elif not written:
            written.append("")
        line += f" {word}"
    return f"{''.join(written)}{line}\r\n".encode("utf-8", "replace") if written else b""


def text_field(name: str, text: str) -> bytes:
    """An unstructured field (RFC 5322 §2.2.1)."""
    return field(name, words_of(text))


def words_of(text: str) -> list[str]:
    """The words of a text; where it is not ASCII, or has a word too long for a line, as encoded words (RFC 2047)."""
    words = _clean(text[:MOST_CHARACTERS], _FIELD).split()
    text = " ".join(words)
    if text.isascii() and all(len(word) <= _LINE - 2 for word in words):
        return words
    return [f"=?utf-8?B?{b64encode(piece).decode()}?=" for piece in _pieces(text)]


def mailbox_words(name: str, address: str) -> list[str]:
    """A mailbox of From or To (RFC 5322 §3.4): the address, after the name as a phrase."""
    angle = f"<{_clean(address).replace(' ', '')}>"
    name = " ".join(_clean(name[:200]).split())
    if not name:
        return [angle]
    if _ATOMS.fullmatch(name) and "=?" not in name:
        return [*name.split(), angle]
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return [f'"{escaped}"', angle]
    return [*(f"=?utf-8?B?{b64encode(piece).decode()}?=" for piece in _pieces(name)), angle]


def message_ids(value: str) -> list[str]:
    """The message ids in a value that a stranger wrote; what is none is left out."""
    return _MESSAGE_ID.findall(value[:_FIELD])


def references(earlier: Sequence[str], message_id: str) -> list[str]:
    """The ids of References in an answer (RFC 5322 §3.6.4): of very many the first and the last ones."""
    ids = list(dict.fromkeys([*earlier, message_id]))
    return ids if len(ids) <= MOST_REFERENCES else [ids[0], *ids[1 - MOST_REFERENCES :]]


def _clean(text: str, limit: int = _WORD) -> str:
    """The text on one line of at most so many octets, with a blank for each character that cannot be printed."""
    printable = "".join(character if character.isprintable() else " " for character in text[:limit])
    return printable.encode("utf-8", "replace")[:limit].decode(errors="ignore").strip()


def _pieces(text: str) -> Iterator[bytes]:
    piece = b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > _ENCODED:
            yield piece
            piece = b""
        piece += octets
    if piece:
        yield piece
