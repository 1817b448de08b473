"""The words of a line (RFC 5804 §4): atoms, numbers, quoted strings, and the announcement of a literal at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# quoted = <"> *1024QUOTED-CHAR <">    ; QUOTED-CHAR = SAFE-UTF8-CHAR / "\" QUOTED-SPECIALS
# literal-c2s = "{" number "+}" CRLF *OCTET
_TOKEN = re.compile(
    rb"(?P<atom>[!#-\'*+\-./:-\[\]^_`a-z|}~][!#-\'*+\-./0-9:-\[\]^_`a-z|}~]*)"
    rb"|(?P<number>[0-9]+)"
    rb'|"(?P<quoted>(?:[^"\\\x00]|\\["\\])*)"'
    rb"|\{(?P<literal>[0-9]+)\+\}\Z"
)
_ESCAPED = re.compile(rb'\\(["\\])')
_MOST_DIGITS = 10
_LARGEST_NUMBER = (1 << 32) - 1
_BEYOND_ALL_LIMITS = 1 << 62


class Atom(NamedTuple):
    """A word without quotation marks, in upper case."""

    text: str


class AnnouncedLiteral(NamedTuple):
    """A literal of this many octets follows the line."""

    size: int


Token = Atom | AnnouncedLiteral | bytes | int


class MalformedLine(ValueError):
    """The line is not made of words that are divided by single spaces."""


def tokens(line: bytes) -> Iterator[Token]:
    """The words of a line without its end. Raises MalformedLine."""
    at = 0
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None:
            raise MalformedLine(_reason(line, at))
        yield _token(match)
        at = match.end()
        if at < len(line):
            if line[at : at + 1] != b" " or at + 1 == len(line):
                raise MalformedLine("words must be divided by single spaces, without one at the end")
            at += 1


def _token(match: re.Match[bytes]) -> Token:
    if (atom := match["atom"]) is not None:
        return Atom(atom.decode("ascii").upper())
    if (digits := match["number"]) is not None:
        if len(digits) > _MOST_DIGITS or int(digits) > _LARGEST_NUMBER:
            raise MalformedLine("a number must be below 4294967296")
        return int(digits)
    if (quoted := match["quoted"]) is not None:
        return _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted
    size = match["literal"]
    return AnnouncedLiteral(int(size) if len(size) <= _MOST_DIGITS else _BEYOND_ALL_LIMITS)


def _reason(line: bytes, at: int) -> str:
    rest = line[at : at + 1]
    if rest == b'"':
        return 'a quoted string has no end, or a backslash in front of another character than " and \\'
    if rest == b"{":
        return "a literal must be announced as {size+} at the end of the line"
    if rest == b" ":
        return "words must be divided by single spaces"
    return "a word has a character that must be in a quoted string"
