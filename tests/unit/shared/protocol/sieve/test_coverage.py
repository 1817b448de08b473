"""Every command, test, argument and extension of the language is in a case of tests/cases/sieve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.protocol.sieve.diagnostic import Notes
from shared.protocol.sieve.extensions import EXTENSIONS
from shared.protocol.sieve.grammar.parser import parse_script
from shared.protocol.sieve.grammar.syntax import CommandNode, ListArgument, StringArgument, TagArgument, TestNode
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS
from shared.protocol.sieve.registry import COMMANDS, TESTS
from tests.unit.shared.protocol.sieve.cases import all_cases


def scripts() -> Iterator[str]:
    """The scripts of all cases that are carried out, with a script for their single tests."""
    for case in all_cases():
        if "do" in case.sections or "failure" in case.sections:
            yield case.sections["script"]
        lines = [line for name in ("true", "false") for line in case.sections.get(name, "").splitlines()]
        yield case.sections.get("require", "") + "".join(f"if {line} {{ }}\n" for line in lines if line.strip())


def nodes_of(commands: Iterable[CommandNode | TestNode]) -> Iterator[CommandNode | TestNode]:
    """All commands and tests of a tree."""
    for node in commands:
        yield node
        yield from nodes_of(node.tests)
        yield from nodes_of((node.block or ()) if isinstance(node, CommandNode) else ())


def all_nodes() -> list[CommandNode | TestNode]:
    """The commands and tests of all cases."""
    trees = (parse_script(text.encode(), DEFAULT_SCRIPT_LIMITS, Notes(1000)) for text in scripts())
    return [node for tree in trees for node in nodes_of(tree)]


def test_every_command_and_test_with_every_argument_has_a_case() -> None:
    used = {
        (node.name, argument.name if isinstance(argument, TagArgument) else "")
        for node in all_nodes()
        for argument in (*node.arguments, None)
    }
    definitions = (*COMMANDS.values(), *TESTS.values())
    known = {(known.signature.name, tag.name) for known in definitions for tag in known.signature.tags}
    known |= {(known.signature.name, "") for known in definitions}
    assert sorted(known - used) == []


def test_every_extension_has_a_case() -> None:
    """Besides imapsieve, which adds no command: tests of the mailstore run its scripts."""
    required: set[str] = set()
    for node in all_nodes():
        for argument in node.arguments if node.name == "require" else ():
            strings = (argument,) if isinstance(argument, StringArgument) else ()
            strings = argument.strings if isinstance(argument, ListArgument) else strings
            required |= {string.value.decode() for string in strings}
    assert sorted(EXTENSIONS - required - {"imapsieve"}) == []
