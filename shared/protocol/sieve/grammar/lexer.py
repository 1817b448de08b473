"""Cuts a script into tokens (RFC 5228 §8.1). Every octet belongs to exactly one token or one error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from shared.protocol.sieve.diagnostic import Notes, Place


class TokenKind(StrEnum):
    """What a token is; a mark is its own kind."""

    IDENTIFIER = "identifier"
    TAG = "tag"
    NUMBER = "number"
    STRING = "string"
    SEMICOLON = ";"
    COMMA = ","
    OPEN_BLOCK = "{"
    CLOSE_BLOCK = "}"
    OPEN_TESTS = "("
    CLOSE_TESTS = ")"
    OPEN_LIST = "["
    CLOSE_LIST = "]"
    END = "the end of the script"


class SieveToken(NamedTuple):
    """A token: its kind, its place, its text in lower case or its octets, its number."""

    kind: TokenKind
    place: Place
    text: str = ""
    octets: bytes = b""
    number: int = 0


LARGEST_NUMBER = (1 << 63) - 1
_QUANTIFIER = {b"": 1, b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}
_TOKEN = re.compile(
    rb"""(?P<space>[ \t\r\n]++)
    |(?P<hash>\#[^\n]*+)
    |(?P<bracket>/\*)
    |(?P<block>text:(?=[ \t]*+(?:\#[^\n]*+)?\r?(?:\n|\Z)))
    |(?P<identifier>[A-Za-z_][A-Za-z0-9_]*+)
    |:(?P<tag>[A-Za-z_][A-Za-z0-9_]*+)
    |(?P<number>[0-9]++)(?P<quantifier>[KkMmGg]?)(?P<rest>[A-Za-z0-9_]*+)
    |"(?P<string>(?>(?:[^"\\]++|\\.)*))(?P<quote>"?)
    |(?P<mark>[;,{}()\[\]])
    |(?P<bad>[\x80-\xff]++|.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
# multi-line = "text:" *(SP / HTAB) (hash-comment / CRLF) *(multiline-literal / multiline-dotstart) "." CRLF
_TEXT_START = re.compile(rb"[^\n]*+\n?")
_TEXT_END = re.compile(rb"^\.\r?(?:\n|\Z)", re.MULTILINE)
_STUFFED = re.compile(rb"^\.\.", re.MULTILINE)
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class Lexer:
    """Reads the tokens of a script; what is no token is reported once and skipped."""

    def __init__(self, source: bytes, notes: Notes, most_octets: int) -> None:
        self._source, self._notes, self._most = source, notes, most_octets
        self._at = 3 if source.startswith(b"\xef\xbb\xbf") else 0
        self._line = 1
        self._counted, self._column = self._at, 1
        """The column of an offset in the present line; columns are counted on from there."""

    def tokens(self) -> Iterator[SieveToken]:
        """The tokens in order, the last is END."""
        source = self._source
        while (match := _TOKEN.match(source, self._at)) is not None:
            place = self._place(self._at)
            token = self._token(match, place)
            if token is not None:
                yield token
        yield SieveToken(TokenKind.END, self._place(len(source)))

    def _token(self, match: re.Match[bytes], place: Place) -> SieveToken | None:
        kind = match.lastgroup
        self._at = match.end()
        match kind:
            case "space":
                self._count_lines(match.start(), match.end())
            case "mark":
                return SieveToken(TokenKind(match[0].decode()), place)
            case "identifier":
                return SieveToken(TokenKind.IDENTIFIER, place, match[0].decode().lower())
            case "tag":
                return SieveToken(TokenKind.TAG, place, match["tag"].decode().lower())
            case "rest":
                return self._number(match, place)
            case "quote":
                return self._quoted(match, place)
            case "block":
                return self._text_block(place)
            case "bracket":
                self._skip_comment(match.end(), place)
            case "bad":
                self._notes.error(place, f"unexpected character {_shown(match[0])}")
        return None

    def _place(self, at: int) -> Place:
        self._column += len(self._source[self._counted : at].decode("utf-8", "replace"))
        self._counted = at
        return Place(self._line, self._column)

    def _count_lines(self, start: int, end: int) -> None:
        self._line += self._source.count(b"\n", start, end)
        if (last := self._source.rfind(b"\n", start, end)) >= 0:
            self._counted, self._column = last + 1, 1

    def _skip_comment(self, start: int, place: Place) -> None:
        end = self._source.find(b"*/", start)
        if end < 0:
            self._notes.error(place, "the comment is not closed by */")
        self._at = end + 2 if end >= 0 else len(self._source)
        self._count_lines(start, self._at)

    def _number(self, match: re.Match[bytes], place: Place) -> SieveToken:
        digits, quantifier = match["number"].lstrip(b"0") or b"0", match["quantifier"].lower()
        if match["rest"]:
            self._notes.error(place, f"invalid number {_shown(match[0])}")
        value = int(digits) * _QUANTIFIER[quantifier] if len(digits) < 20 else LARGEST_NUMBER + 1
        if value > LARGEST_NUMBER:
            self._notes.error(place, f"the number is larger than {LARGEST_NUMBER}")
            value = LARGEST_NUMBER
        return SieveToken(TokenKind.NUMBER, place, number=value)

    def _quoted(self, match: re.Match[bytes], place: Place) -> SieveToken:
        if not match["quote"]:
            self._notes.error(place, "the string is not closed")
            self._at = len(self._source)
        self._count_lines(match.start(), self._at)
        return self._string(_ESCAPE.sub(rb"\1", match["string"]), place)

    def _text_block(self, place: Place) -> SieveToken:
        opening = self._at
        start = _TEXT_START.match(self._source, opening)
        begin = start.end() if start else opening
        end = _TEXT_END.search(self._source, begin)
        if end is None:
            self._notes.error(place, 'the text block is not closed by a line that is "."')
        content = self._source[begin : end.start() if end else len(self._source)]
        self._at = end.end() if end else len(self._source)
        self._count_lines(opening, self._at)
        return self._string(_STUFFED.sub(b".", content), place)

    def _string(self, value: bytes, place: Place) -> SieveToken:
        if len(value) > self._most:
            self._notes.error(place, f"the string has more than {self._most} octets")
            value = value[: self._most]
        if b"\x00" in value:
            self._notes.error(place, "a string cannot contain a NUL")
        if not value.isascii() and not _is_utf8(value):
            self._notes.error(place, "the string is not valid UTF-8")
            value = value.decode("utf-8", "replace").encode()
        return SieveToken(TokenKind.STRING, place, octets=_BARE_LINE_FEED.sub(b"\r\n", value))


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _shown(octets: bytes) -> str:
    text = octets[:20].decode("utf-8", "replace")
    return repr(text) if text.isprintable() else repr(text.encode())[1:]
