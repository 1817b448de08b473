"""Writes header fields: one line or folded, ASCII alone, and never a second field (RFC 5322 §2.2, RFC 2047)."""

from __future__ import annotations

import re
from binascii import b2a_base64

from shared.protocol.message.headers import field_lines
from shared.protocol.sieve.actions import MessageEdits

_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_LINE = 78
_WORD_OCTETS = 42
"""Octets of text in an encoded word: their base64 has 56 characters, the word 68 (RFC 2047 §2: at most 75)."""


def header_line(name: bytes, value: bytes) -> bytes:
    """The field with its CRLF. Control characters, line breaks too, become a space; other text is encoded."""
    text = _CONTROLS.sub(" ", value.decode("utf-8", "replace")).strip()
    if text.isascii():
        return b"\r\n".join(_folded(name + b": " + text.encode("ascii"))) + b"\r\n"
    return name + b": " + b"\r\n ".join(_encoded_words(text)) + b"\r\n"


def _folded(line: bytes) -> list[bytes]:
    """Lines of at most 78 octets where blanks allow it; a fold stays in front of its blank."""
    lines: list[bytes] = []
    while len(line) > _LINE:
        cut = line.rfind(b" ", 1, _LINE + 1)
        if cut <= 0 or not line[:cut].strip() or line[:cut].endswith(b":"):
            cut = line.find(b" ", _LINE)
        if cut < 0 or not line[cut:].strip():
            break
        lines.append(line[:cut])
        line = line[cut:]
    return [*lines, line]


def _encoded_words(text: str) -> list[bytes]:
    words: list[bytes] = []
    data = text.encode("utf-8", "replace")
    start = 0
    while start < len(data):
        end = min(start + _WORD_OCTETS, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append(b"=?utf-8?B?" + b2a_base64(data[start:end], newline=False) + b"?=")
        start = end
    return words


def edited_header(block: bytes, edits: MessageEdits) -> bytes:
    """The header block, without its blank line, as the edits change it (RFC 5293).

    `block` is the original header with the prefix that the script saw. Lines that belong to no field are left out.
    """
    deleted = frozenset(edits.deleted)
    kept = [line for number, (_, line) in enumerate(field_lines(block)) if number not in deleted]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    return b"".join((*edits.top, *kept, *edits.bottom))
