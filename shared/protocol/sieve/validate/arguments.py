"""Checks the arguments of a command or a test against its signature, and gives them names."""

from __future__ import annotations

from collections.abc import Iterator

from shared.protocol.sieve.diagnostic import Place
from shared.protocol.sieve.grammar.syntax import (
    Argument,
    CommandNode,
    ListArgument,
    NumberArgument,
    StringArgument,
    TagArgument,
    TestNode,
)
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import ArgumentKind, NodeSignature, Tag, TestsKind
from shared.protocol.sieve.validate.text import ScriptText

Node = CommandNode | TestNode


class Arguments:
    """The checked arguments of one command or test."""

    def __init__(self, scope: Scope, node: Node, tags: dict[str, Argument | None], values: list[Argument]) -> None:
        self._scope, self._tags, self._values = scope, tags, values
        self.node = node
        self.tests = node.tests

    @property
    def name(self) -> str:
        """The name of the command or test."""
        return self.node.name

    @property
    def place(self) -> Place:
        """Where the command or test starts."""
        return self.node.place

    @property
    def count(self) -> int:
        """The number of positional arguments."""
        return len(self._values)

    @property
    def block(self) -> tuple[CommandNode, ...]:
        """The commands of the block; empty without a block."""
        return (self.node.block or ()) if isinstance(self.node, CommandNode) else ()

    def has(self, tag: str) -> bool:
        """Whether the tag is there."""
        return tag in self._tags

    def chosen(self, *tags: str) -> str:
        """The first of these tags that is there, or ""."""
        return next((tag for tag in tags if tag in self._tags), "")

    def tag_number(self, tag: str) -> int | None:
        """The number behind a tag, or None."""
        argument = self._tags.get(tag)
        return argument.value if isinstance(argument, NumberArgument) else None

    def tag_text(self, tag: str) -> ScriptText | None:
        """The string behind a tag, or None."""
        argument = self._tags.get(tag)
        return self._scope.text(argument) if isinstance(argument, StringArgument) else None

    def tag_texts(self, tag: str) -> tuple[ScriptText, ...]:
        """The strings behind a tag; none without it."""
        argument = self._tags.get(tag)
        return tuple(map(self._scope.text, _strings(argument))) if argument is not None else ()

    def tag_constant(self, tag: str) -> bytes | None:
        """The string behind a tag that must contain no variable, or None."""
        text = self.tag_text(tag)
        return None if text is None else self._constant(text, f":{tag}")

    def number(self, index: int) -> int:
        """The positional number."""
        argument = self._values[index]
        return argument.value if isinstance(argument, NumberArgument) else 0

    def text(self, index: int) -> ScriptText:
        """The positional string."""
        return self.texts(index)[0]

    def texts(self, index: int) -> tuple[ScriptText, ...]:
        """The positional strings."""
        return tuple(map(self._scope.text, _strings(self._values[index])))

    def constant(self, index: int) -> bytes:
        """The positional string that must contain no variable."""
        return self._constant(self.text(index), self.name)

    def place_of(self, index: int) -> Place:
        """Where a positional argument starts."""
        return self._values[index].place

    def _constant(self, text: ScriptText, name: str) -> bytes:
        if text.constant is None:
            self._scope.notes.error(text.place, f"the string of {name} cannot contain variables")
            return b""
        return text.constant


def _strings(argument: Argument | None) -> tuple[StringArgument, ...]:
    match argument:
        case StringArgument():
            return (argument,)
        case ListArgument(_, strings):
            return strings
        case _:
            return ()


def check(scope: Scope, node: Node, signature: NodeSignature) -> Arguments | None:
    """The arguments of a node, or None after an error."""
    before = scope.error_count
    checker = _Checker(scope, node, signature)
    tags, values = checker.arguments()
    checker.tests()
    if scope.error_count != before:
        return None
    return Arguments(scope, node, tags, values)


class _Checker:
    def __init__(self, scope: Scope, node: Node, signature: NodeSignature) -> None:
        self._scope, self._node, self._signature = scope, node, signature
        self._known = {tag.name: tag for tag in signature.tags}

    def _error(self, place: Place, text: str) -> None:
        self._scope.error(place, f"{self._node.name}: {text}")

    def arguments(self) -> tuple[dict[str, Argument | None], list[Argument]]:
        """The tags with what they take, and the positional arguments; in any order, as RFC 5228 §2.6.2 lets us read."""
        tags: dict[str, Argument | None] = {}
        values: list[Argument] = []
        before = self._scope.error_count
        arguments = iter(self._node.arguments)
        for argument in arguments:
            if not isinstance(argument, TagArgument):
                values.append(argument)
            elif values:
                self._error(argument.place, f":{argument.name} must be in front of the other arguments")
            else:
                self._take_tag(argument, arguments, tags)
        if self._scope.error_count == before:
            self._positional(values)
        return tags, values

    def _take_tag(self, argument: TagArgument, rest: Iterator[Argument], tags: dict[str, Argument | None]) -> None:
        tag = self._known.get(argument.name)
        if tag is None:
            self._error(argument.place, f"there is no argument :{argument.name} here")
            return
        if tag.extension:
            self._scope.need(argument.place, (tag.extension,), f"the argument :{tag.name}")
        self._excluded(tag, argument.place, tags)
        tags[tag.name] = None
        if tag.takes is not None:
            parameter = next(rest, None)
            if parameter is None or not _fits(parameter, tag.takes):
                place = parameter.place if parameter else argument.place
                self._error(place, f":{tag.name} takes {tag.takes.value}")
            tags[tag.name] = parameter

    def _excluded(self, tag: Tag, place: Place, tags: dict[str, Argument | None]) -> None:
        if tag.name in tags:
            self._error(place, f":{tag.name} is given twice")
        elif other := next((name for name in tags if tag.group and self._known[name].group == tag.group), ""):
            self._error(place, f":{tag.name} cannot be used together with :{other}")

    def _positional(self, values: list[Argument]) -> None:
        expected = self._signature.positional
        missing = len(expected) - len(values)
        first, last = self._signature.optional, len(expected) - self._signature.optional_at_end
        if len(values) < last - first:
            self._error(self._node.place, f"expects {_listed(expected[first:last])}")
            return
        if missing < 0:
            self._error(values[len(expected)].place, "unexpected argument")
            return
        used = expected[: len(values)] if self._signature.optional_at_end else expected[missing:]
        for kind, value in zip(used, values, strict=True):
            if not _fits(value, kind):
                self._error(value.place, f"expects {kind.value}, not {_kind_of(value)}")

    def tests(self) -> None:
        """Check the number of tests and the presence of a block."""
        node, expected = self._node, self._signature.tests
        match expected:
            case TestsKind.NONE if node.tests:
                self._error(node.tests[0].place, "takes no test; a semicolon may be missing")
            case TestsKind.SINGLE if len(node.tests) != 1 or node.has_list:
                self._error(node.place, "takes exactly one test, without parentheses")
            case TestsKind.LIST if not node.has_list:
                self._error(node.place, "takes a list of tests in parentheses")
        if isinstance(node, CommandNode) and (node.block is not None) != self._signature.block:
            self._error(node.place, "needs a block" if self._signature.block else "takes no block")


def _fits(argument: Argument, kind: ArgumentKind) -> bool:
    match kind:
        case ArgumentKind.STRING:
            return isinstance(argument, StringArgument)
        case ArgumentKind.STRINGS:
            return isinstance(argument, (StringArgument, ListArgument))
        case ArgumentKind.NUMBER:
            return isinstance(argument, NumberArgument)


def _kind_of(argument: Argument) -> str:
    match argument:
        case StringArgument():
            return "a string"
        case ListArgument():
            return "a string list"
        case NumberArgument():
            return "a number"
        case TagArgument(_, name):
            return f":{name}"


def _listed(kinds: tuple[ArgumentKind, ...]) -> str:
    return ", ".join(kind.value for kind in kinds) or "no arguments"
