"""The test `string` of variables (RFC 5229 §5)."""

from __future__ import annotations

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRINGS, NodeSignature


def _string(scope: Scope, arguments: Arguments) -> SieveCondition:
    """`:count` counts the strings that are not empty (RFC 5229 §5)."""
    sources, counts = arguments.texts(0), arguments.has("count")
    matches = compile_match(scope, arguments, arguments.texts(1))

    def condition(run: ScriptRun) -> bool:
        values = [source.value(run) for source in sources]
        return matches(run, [value for value in values if value] if counts else values)

    return condition


TESTS = (TestDefinition(NodeSignature("string", (STRINGS, STRINGS), MATCH_TAGS, ("variables",)), _string),)
