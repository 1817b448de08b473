"""Decodes encoded words (RFC 2047) and extended parameters (RFC 2231); what cannot be decoded stays unchanged."""

import re
from collections.abc import Iterable

from shared.protocol.message.charset import decode
from shared.protocol.message.transfer import decode_base64, decode_q

# RFC 2047 §2, with RFC 2231 §5 `*language` after the charset. Real mail contains spaces in Q text, so they are allowed.
_WORD = re.compile(rb"=\?([^?\s*]{1,64})(?:\*[^?\s]{0,64})?\?([BbQq])\?([^?\n]*)\?=")
_ONLY_SPACE = re.compile(rb"[ \t\r\n]*+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_EXTENDED = re.compile(r"([^*]+)(?:\*([0-9]{1,4}))?(\*)?\Z")

Pairs = Iterable[tuple[bytes, bytes]]


def decode_words(value: bytes) -> str:
    """The text of an unstructured value or phrase with its encoded words decoded.

    Raw 8-bit bytes are read as UTF-8 if valid, else as windows-1252. White space between two encoded words is dropped
    (RFC 2047 §6.2). Neighbours with the same charset are joined before decoding, because many senders split a character
    between two words.
    """
    if b"=?" not in value:
        return without_controls(decode(value))
    return without_controls("".join(decode(data, charset) for charset, data in _runs(value)))


def without_controls(text: str) -> str:
    """The text with spaces for control characters: raw NULs, and CR or LF that encoded words may contain."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _runs(value: bytes) -> list[tuple[str, bytes]]:
    """The (charset, bytes) runs of a value; an empty charset means plain text."""
    runs: list[tuple[str, list[bytes]]] = []
    end = 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        if between and not (end and _ONLY_SPACE.match(between)):
            runs.append(("", [between]))
        charset = match[1].decode("ascii", "replace").lower()
        data = _word_bytes(match[2], match[3])
        if runs and runs[-1][0] == charset and not charset.startswith("iso-2022"):
            runs[-1][1].append(data)
        else:
            runs.append((charset, [data]))
        end = match.end()
    if end < len(value):
        runs.append(("", [value[end:]]))
    return [(charset, b"".join(pieces)) for charset, pieces in runs]


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    return decode_base64(text) if encoding in b"Bb" else decode_q(text)


def decode_parameters(pairs: Pairs) -> tuple[tuple[str, str], ...]:
    """Parameters by lower-case name, with their decoded values.

    RFC 2231 continuations are joined and charsets applied. RFC 2047 words, which are wrong here but usual, are decoded
    too. The first of several equal names is used; an extended form takes precedence over a plain one.
    """
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for raw_name, value in pairs:
        name = raw_name.decode("ascii", "replace").lower()
        name = name if name.isprintable() else without_controls(name)
        if "*" not in name:
            plain.setdefault(name, decode_words(value))
        elif match := _EXTENDED.match(name):
            number = int(match[2]) if match[2] else -1
            pieces.setdefault(match[1], {}).setdefault(number, (match[3] is not None, value))
    for name, numbered in pieces.items():
        plain[name] = _extended(numbered)
    return tuple(plain.items())


def _extended(numbered: dict[int, tuple[bool, bytes]]) -> str:
    """The value of RFC 2231 §3, §4: `name*` alone, or `name*0`, `name*1*` … in order up to the first gap."""
    if -1 in numbered:
        return _with_charset([(True, numbered[-1][1])])
    return _with_charset([numbered[number] for number in _unbroken(numbered)])


def _unbroken(numbered: dict[int, tuple[bool, bytes]]) -> Iterable[int]:
    for position, number in enumerate(sorted(numbered)):
        if position != number:
            return
        yield number


def _with_charset(sections: list[tuple[bool, bytes]]) -> str:
    charset = ""
    if sections and sections[0][0]:
        head, quote, rest = sections[0][1].partition(b"'")
        _language, second, text = rest.partition(b"'")
        if quote and second:
            charset = head.decode("ascii", "replace")
            sections = [(True, text), *sections[1:]]
    data = b"".join(_percent_decoded(value) if extended else value for extended, value in sections)
    return without_controls(decode(data, charset))


def _percent_decoded(value: bytes) -> bytes:
    return _PERCENT.sub(lambda match: bytes((int(match[1], 16),)), value)
