"""The test `hasflag` of imap4flags (RFC 5232 §4)."""

from __future__ import annotations

from collections.abc import Iterator

from shared.protocol.sieve.commands.variables import is_variable_name
from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.flags import read_flags
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRINGS, NodeSignature
from shared.protocol.sieve.validate.text import ScriptText


def _hasflag(scope: Scope, arguments: Arguments) -> SieveCondition:
    """Each flag of the variables is a value; a string of keys is a list of flags too."""
    keys = tuple(_split(arguments.texts(arguments.count - 1)))
    names = arguments.texts(0) if arguments.count > 1 else ()
    if names:
        scope.need(arguments.place, ("variables",), "the name of a variable in hasflag")
    for name in names:
        if name.constant is not None and not is_variable_name(name.constant):
            scope.error(name.place, "hasflag: this is not the name of a variable")
    matches = compile_match(scope, arguments, keys)

    def condition(run: ScriptRun) -> bool:
        if names:
            stored = (run.variable(name.value(run).decode("utf-8", "replace").lower()) for name in names)
            flags = [flag for value in stored for flag in read_flags(run, (value,))]
        else:
            flags = list(run.flags)
        return matches(run, [flag.encode() for flag in flags])

    return condition


def _split(keys: tuple[ScriptText, ...]) -> Iterator[ScriptText]:
    for key in keys:
        words = key.constant.split(b" ") if key.constant else ()
        if len(words) < 2:
            yield key
        else:
            yield from (ScriptText(key.place, word, ()) for word in words if word)


TESTS = (
    TestDefinition(
        NodeSignature("hasflag", (STRINGS, STRINGS), MATCH_TAGS, ("imap4flags",), optional=1),
        _hasflag,
    ),
)
