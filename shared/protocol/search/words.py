"""The words of the ranked index. Texts and queries become words here, before SQLite or OpenSearch gets them.

The result is one string of tokens with single spaces between them. It suits a tokenizer that only splits at spaces: the
tokenizer `ascii` of FTS5, the tokenizer `whitespace` of OpenSearch. So both engines find the same.

- A token is a run of the characters that `characters` calls parts of a word, folded as described there. Everything else
  separates: `don't` is the tokens `don t`, and `ann@example.org` the tokens `ann example org`. A query with several
  tokens asks for them in this order, so an address is found as a whole and by each of its parts.
- Scripts that are written without spaces (Han, kana, Hangul, Thai, Lao, Khmer, Burmese and others) give a token for
  each character of a run: the character and the one after it, at last the last one alone. A query for characters of a
  run is the same without the last token, so it finds any part of a run; a query for one character asks for tokens that
  begin with it.
- A token is cut after LONGEST_TOKEN characters.
"""

from __future__ import annotations

import codecs
import operator
import re
import sys
import unicodedata
from array import array
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import groupby, pairwise
from typing import NamedTuple

import msgspec

from shared.protocol.search.characters import CharacterTable, clusters, folded_character

WORDS_VERSION = f"1.{unicodedata.unidata_version}"
"""With another value, words that were indexed may differ from those that a query becomes."""
LONGEST_TOKEN = 64
"""Code points of a token."""

_RUNS = (
    "\u0e00-\u0e4f\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u17d7-\u17dd"
    "\u1950-\u19df\u1a20-\u1aaf\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3041-\u312f\u3130-\u318f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48f\ua960-\ua97f\ua9e0-\ua9ef\ua9fa-\ua9fe"
    "\uaa60-\uaadf\uac00-\ud7fb\uf900-\ufaff\U00016fe0-\U00018cff\U0001aff0-\U0001b2ff\U00020000-\U0003fffd"
)
"""Scripts that are written without spaces, or with spaces elsewhere than between words; without their digits."""
_UNSPACED = re.compile(f"[{_RUNS}]")
_UNSPACED_RUN = re.compile(f" ?([{_RUNS}]+)")
_TOO_LONG = re.compile(f"([^ {_RUNS}]{{{LONGEST_TOKEN}}})[^ {_RUNS}]+")
_HALF_WIDTH = re.compile("[\uff66-\uff9f]+")
_ARABIC_JOINER = re.compile("(?<=[\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufefe])\u200c")

_NATIVE = f"utf-32-{sys.byteorder[0]}e"
_SPACE = array("I", [32])

_TABLE = CharacterTable()
_ASCII = bytes(ord(folded_character(chr(octet))) if octet < 128 else 32 for octet in range(256))
# A code page of our own, for texts of ASCII and these characters: a code page is three times as fast as `translate`.
_FREQUENT = (
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŢţŤťŮůŰűŹźŻżŽžȘșȚț"
    "\xa0©«»·€–—‘’“”„•…"
)
_PAGE = codecs.charmap_build("".join(map(chr, range(128))) + _FREQUENT)
_PAGE_SHARE = 0.95
"""How much of a text must be in the code page: other characters cost a call."""
_ERRORS = "mailfold.words"
_SEVERAL = {chr(octet): folded for octet, folded in enumerate(("ss", "ae", "oe", "th", "dh"), 1)}
_SEVERAL_OCTETS = {folded: octet.encode() for octet, folded in _SEVERAL.items()}


def _page_octet(octet: int) -> int:
    if octet < 128:
        return _ASCII[octet]
    folded = folded_character(_FREQUENT[octet - 128]) if octet - 128 < len(_FREQUENT) else " "
    return _SEVERAL_OCTETS.get(folded, folded.encode())[0]


_PAGE_FOLDED = bytes(map(_page_octet, range(256)))


class PlacedWord(NamedTuple):
    """A token and the range of the text that it comes from, in code points."""

    text: str
    start: int
    end: int
    first_end: int
    """Where the first character of the token ends in the text."""


class QueryWords(msgspec.Struct, frozen=True):
    """Tokens that must follow each other in this order."""

    tokens: tuple[str, ...]
    prefix: bool = False
    """Whether the last token is the beginning of one."""


def words(text: str) -> str:
    """The tokens of a text, with single spaces between them."""
    tokens = _folded(text).split()
    joined = " ".join(tokens)
    if max(map(len, tokens), default=0) > LONGEST_TOKEN:
        joined = _TOO_LONG.sub(r"\1", joined)
    if joined.isascii() or not _UNSPACED.search(joined):
        return joined
    return _UNSPACED_RUN.sub(_paired(joined), joined).lstrip()


def query_words(text: str, *, prefix: bool = False) -> QueryWords:
    """What to ask for in order to find the text; no tokens if it has no words.

    With `prefix`, the text may end within a word.
    """
    tokens = words(text).split()
    if not tokens or not is_unspaced(tokens[-1]):
        return QueryWords(tuple(tokens), prefix and bool(tokens))
    if len(tokens) > 1 and len(tokens[-2]) == 2 and is_unspaced(tokens[-2]) and tokens[-2][1] == tokens[-1]:
        return QueryWords(tuple(tokens[:-1]))
    return QueryWords(tuple(tokens), True)


def is_unspaced(token: str) -> bool:
    """Whether the token is of a script that is written without spaces."""
    return _UNSPACED.match(token) is not None


def occurs(query: QueryWords, text: str) -> bool:
    """Whether the tokens of `words(…)` contain those of the query, for reading without an index."""
    sought = f" {' '.join(query.tokens)}" + ("" if query.prefix else " ")
    return bool(query.tokens) and sought in f" {text} "


def placed_words(text: str) -> Iterator[PlacedWord]:
    """The tokens of `words(text)` with their places. It works by the character: for pieces of text, not for mails."""
    for kind, group in groupby(_placed_characters(text), key=_kind_of):
        pieces = list(group)
        if kind is _Kind.SPACED:
            token = "".join(piece.text for piece in pieces[:LONGEST_TOKEN])
            yield PlacedWord(token, pieces[0].start, pieces[-1].end, pieces[0].end)
        elif kind is _Kind.UNSPACED:
            yield from (
                PlacedWord(left.text + right.text, left.start, right.end, left.end) for left, right in pairwise(pieces)
            )
            yield pieces[-1]


def _folded(text: str) -> str:
    """The letters of a text with one or more spaces where it separates words."""
    if text.isascii():
        return text.encode("ascii").translate(_ASCII).decode("ascii")
    octets = _on_page(text)
    if octets is None:
        return unicodedata.normalize("NFC", _HALF_WIDTH.sub(_full_width, _prepared(text))).translate(_TABLE)
    folded = octets.translate(_PAGE_FOLDED).decode("ascii")
    for octet, several in _SEVERAL.items():
        folded = folded.replace(octet, several)
    return folded


def _on_page(text: str) -> bytes | None:
    """The text in the code page, without the symbols that it has not. None if it does not suit the code page."""
    try:
        return codecs.charmap_encode(text, "strict", _PAGE)[0]
    except UnicodeEncodeError as error:
        if text[error.start].translate(_TABLE).strip(" "):
            return None
    if len(codecs.charmap_encode(text, "ignore", _PAGE)[0]) < _PAGE_SHARE * len(text):
        return None
    try:
        return codecs.charmap_encode(text, _ERRORS, _PAGE)[0]
    except UnicodeEncodeError:
        return None


def _without_symbols(error: UnicodeError) -> tuple[str, int]:
    """For the code page: emoji and other characters outside it that are no letters and change none."""
    assert isinstance(error, UnicodeEncodeError)
    symbols = error.object[error.start : error.end]
    folded = symbols[:1].translate(_TABLE).strip(" ") or symbols.translate(_TABLE)
    if folded.strip(" ") or any(map(unicodedata.combining, symbols)):
        raise error
    return " " if folded else "", error.end


codecs.register_error(_ERRORS, _without_symbols)


def _prepared(text: str) -> str:
    """The text with a space where Persian writes an invisible joint between the parts of a word."""
    return _ARABIC_JOINER.sub(" ", text) if "\u200c" in text else text


def _full_width(kana: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", kana[0])


def _paired(text: str) -> Callable[[re.Match[str]], str]:
    """Gives the tokens of a run of the text, with spaces around them."""
    if len(text.encode()) < 2 * len(text):
        return lambda run: _spaced(run, " ".join(map(operator.add, run[1], run[1][1:])))
    threes = _threes(text)  # faster for a text that consists of runs
    return lambda run: _spaced(run, threes[3 * run.start(1) + 1 : 3 * run.end(1) - 3])


def _spaced(run: re.Match[str], pairs: str) -> str:
    last, end = run[1][-1], run.end()
    between = "" if run.string[end : end + 1] in ("", " ") else " "
    return f" {pairs} {last}{between}" if pairs else f" {last}{between}"


def _threes(text: str) -> str:
    """For each character of the text: a space, the character, and the next character."""
    codes = array("I", text.encode(_NATIVE))
    threes = array("I", _SPACE.tobytes() * (3 * len(codes)))
    threes[1::3] = codes
    threes[2::3] = codes[1:] + _SPACE
    return threes.tobytes().decode(_NATIVE)


class _Kind(Enum):
    SEPARATOR = 0
    SPACED = 1
    UNSPACED = 2


def _placed_characters(text: str) -> Iterator[PlacedWord]:
    """What the characters become, with the ranges that they come from."""
    prepared = _prepared(text)
    for start, end in clusters(prepared):
        for character in _folded(prepared[start:end]):
            yield PlacedWord(character, start, end, end)


def _kind_of(piece: PlacedWord) -> _Kind:
    if piece.text == " ":
        return _Kind.SEPARATOR
    return _Kind.UNSPACED if _UNSPACED.match(piece.text) else _Kind.SPACED
