"""Counts the steps of a run, and writes the account of them when it is asked for."""

from __future__ import annotations

from shared.protocol.sieve.grammar.syntax import (
    Argument,
    CommandNode,
    ListArgument,
    NumberArgument,
    StringArgument,
    TagArgument,
    TestNode,
)
from shared.protocol.sieve.program import SieveCondition, SieveStep
from shared.protocol.sieve.running import ScriptRun

_LONGEST_STRING = 40
_MOST_STRINGS = 3


def traced_condition(condition: SieveCondition, node: TestNode) -> SieveCondition:
    """The condition, counted and noted with its result."""
    line = node.place.line
    text = described(node)

    def counted(run: ScriptRun) -> bool:
        run.steps_left -= 1
        if run.steps_left < 0:
            run.step()
        run.line = line
        result = condition(run)
        if run.account is not None:
            run.note(text, result, line)
        return result

    return counted


def traced_step(step: SieveStep, node: CommandNode) -> SieveStep:
    """The step, counted and noted; the run knows its line, for errors."""
    line = node.place.line
    text = described(node)

    def counted(run: ScriptRun) -> None:
        run.steps_left -= 1
        if run.steps_left < 0:
            run.step()
        run.line = line
        if run.account is not None:
            run.note(text)
        step(run)

    return counted


def described(node: CommandNode | TestNode) -> str:
    """A command or test as it is written, with long strings cut."""
    return " ".join((node.name, *map(_argument, node.arguments)))


def _argument(argument: Argument) -> str:
    match argument:
        case StringArgument(_, value):
            return _quoted(value)
        case ListArgument(_, strings):
            shown = ", ".join(_quoted(string.value) for string in strings[:_MOST_STRINGS])
            return f"[{shown}, …]" if len(strings) > _MOST_STRINGS else f"[{shown}]"
        case NumberArgument(_, value):
            return str(value)
        case TagArgument(_, name):
            return f":{name}"


def _quoted(value: bytes) -> str:
    text = value[: 4 * _LONGEST_STRING].decode("utf-8", "replace")
    cut = text[:_LONGEST_STRING] + "…" if len(text) > _LONGEST_STRING else text
    return f'"{cut}"' if cut.isprintable() else repr(cut)
