"""Regular expressions (draft-ietf-sieve-regex-01): POSIX extended syntax, the longest match, in linear time by RE2.

The shorthands that the C libraries add, as \\w, \\s and \\b, are understood too, because scripts use them.

`i;ascii-casemap` ignores the case of A to Z alone; RE2's own flag would also fold other letters, so the pattern is
rewritten instead.
"""

from __future__ import annotations

import re
from typing import Protocol

import re2

MOST_OCTETS = 2000
_MEMORY = 1 << 18
"""Octets that RE2 may use for one pattern and its automaton."""
# A backslash with its character, a repetition, the start of a bracket expression, a letter.
_ITEM = re.compile(r"\\.|\[|[A-Za-z]", re.DOTALL)
# Within a bracket expression: a backslash with its character, a class, a range, or one character.
_BRACKET_ITEM = re.compile(r"\\.|\[:\^?[a-z]+:\]|\[([.=]).*?\1\]|(.)-(?!\])(.)|.", re.DOTALL)


class InvalidPattern(ValueError):
    """A regular expression that RE2 does not accept; the text says why."""


class PatternMatch(Protocol):
    """What a pattern has matched."""

    def __getitem__(self, group: int) -> bytes: ...

    def groups(self) -> tuple[bytes | None, ...]: ...


class CompiledPattern(Protocol):
    """A pattern of RE2."""

    def search(self, value: bytes) -> PatternMatch | None: ...


def compile_pattern(pattern: bytes, ignores_case: bool) -> CompiledPattern:
    """The compiled pattern. Raises InvalidPattern."""
    if len(pattern) > MOST_OCTETS:
        raise InvalidPattern(f"the regular expression has more than {MOST_OCTETS} octets")
    try:
        text = pattern.decode("utf-8")
        compiled: CompiledPattern = re2.compile((_without_case(text) if ignores_case else text).encode(), _options())
    except UnicodeDecodeError:
        raise InvalidPattern("the regular expression is not valid UTF-8") from None
    except re2.error as error:
        reason = error.args[0] if error.args else "it is not valid"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidPattern(f"invalid regular expression: {text}") from None
    return compiled


def _options() -> re2.Options:
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.one_line = True
    options.perl_classes = True
    options.word_boundary = True
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def _without_case(pattern: str) -> str:
    pieces: list[str] = []
    at = 0
    while (match := _ITEM.search(pattern, at)) is not None:
        pieces.append(pattern[at : match.start()])
        at = match.end()
        if match[0] == "[":
            bracket, at = _bracket(pattern, at)
            pieces.append(bracket)
        elif match[0].startswith("\\"):
            pieces.append(match[0])
        else:
            pieces.append(f"[{match[0].upper()}{match[0].lower()}]")
    return "".join((*pieces, pattern[at:]))


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """A bracket expression with both cases of its letters, and the offset behind it; unchanged if it is not closed."""
    begin = at
    pieces = ["["]
    for opening in ("^", "]"):
        if pattern.startswith(opening, at):
            pieces.append(opening)
            at += 1
    while (match := _BRACKET_ITEM.match(pattern, at)) is not None:
        at = match.end()
        if match[0] == "]":
            return "".join((*pieces, "]")), at
        pieces.append(_both_cases(match))
    return "[" + pattern[begin:], len(pattern)


def _both_cases(match: re.Match[str]) -> str:
    item, low, high = match[0], match[2], match[3]
    if item in ("[:upper:]", "[:lower:]"):
        return "[:alpha:]"
    if low is not None and high is not None:
        return item + _cased_range(low, high)
    return item + item.swapcase() if len(item) == 1 and item.isascii() and item.isalpha() else item


def _cased_range(low: str, high: str) -> str:
    """The letters of a range in their other case, as ranges."""
    ranges = []
    for first, last in (("A", "Z"), ("a", "z")):
        start, end = max(low, first), min(high, last)
        if start <= end:
            ranges.append(f"{start.swapcase()}-{end.swapcase()}")
    return "".join(ranges)


def quote_pattern(value: bytes) -> bytes:
    """`:quoteregex`: the value with a backslash in front of each character that is special in a pattern."""
    return _SPECIAL.sub(rb"\\\g<0>", value)


_SPECIAL = re.compile(rb"[\\.*+?^$|(){}\[\]]")
