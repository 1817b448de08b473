"""The tree of a script (RFC 5228 §8.2): commands, tests and arguments, before their meaning is known."""

from __future__ import annotations

from typing import NamedTuple

from shared.protocol.sieve.diagnostic import Place


class StringArgument(NamedTuple):
    """string: a quoted string or a text block, its escapes removed; UTF-8."""

    place: Place
    value: bytes


class ListArgument(NamedTuple):
    """string-list in brackets."""

    place: Place
    strings: tuple[StringArgument, ...]


class NumberArgument(NamedTuple):
    """number, with its quantifier K, M or G applied."""

    place: Place
    value: int


class TagArgument(NamedTuple):
    """tag, in lower case and without its colon."""

    place: Place
    name: str


Argument = StringArgument | ListArgument | NumberArgument | TagArgument


class TestNode(NamedTuple):
    """test = identifier arguments; the name is in lower case."""

    place: Place
    name: str
    arguments: tuple[Argument, ...]
    tests: tuple[TestNode, ...]
    has_list: bool
    """Whether the tests are written as a test-list, in parentheses."""


class CommandNode(NamedTuple):
    """command = identifier arguments (";" / block); the name is in lower case."""

    place: Place
    name: str
    arguments: tuple[Argument, ...]
    tests: tuple[TestNode, ...]
    has_list: bool
    block: tuple[CommandNode, ...] | None
