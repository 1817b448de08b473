"""Tests of the circumstances: `environment` (RFC 5183), `ihave` (RFC 5463), `spamtest` and `virustest` (RFC 5235)."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.environment import NotKnownYet
from shared.protocol.sieve.program import SieveCondition, lacks_extension
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRING, STRINGS, NodeSignature, Tag


def _environment(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5183 §4: an unknown item is never matched."""
    name = arguments.text(0)
    matches = compile_match(scope, arguments, arguments.texts(1))

    def condition(run: ScriptRun) -> bool:
        value = run.environment.items.get(name.value(run).decode("utf-8", "replace").lower())
        return value is not None and matches(run, (value.encode(),))

    return condition


def _ihave(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5463 §4: decided when the script is compiled; what is offered may then be used without `require`."""
    names = [name.constant for name in arguments.texts(0)]
    for name in arguments.texts(0):
        if name.constant is None:
            scope.error(name.place, "ihave: the name of an extension cannot contain variables")
    extensions = [(name or b"").decode("utf-8", "replace") for name in names]
    if not all(map(scope.offers, extensions)):
        return lacks_extension
    for extension in extensions:
        scope.require(extension)
    return lambda _run: True


def _spamtest(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5235 §2: "0" is untested; else 1 to 10, or with `:percent` 0 to 100."""
    is_percent = arguments.has("percent")

    def value(run: ScriptRun) -> int | None:
        percent = run.environment.spam_percent
        if percent is None:
            return None
        percent = min(max(percent, 0), 100)
        return percent if is_percent else 1 + (percent * 9 + 50) // 100

    return _score(scope, arguments, value)


def _virustest(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5235 §3.2: "0" is untested, 1 is clean, 5 is a virus that cannot be removed."""
    return _score(scope, arguments, lambda run: min(max(run.environment.virus, 0), 5) or None)


def _score(scope: Scope, arguments: Arguments, score: Callable[[ScriptRun], int | None]) -> SieveCondition:
    """`:count` is 0 for what was not tested."""
    counts = arguments.has("count")
    matches = compile_match(scope, arguments, arguments.texts(0))

    def condition(run: ScriptRun) -> bool:
        if not run.environment.is_judged:
            raise NotKnownYet("the verdict on spam and viruses")
        value = score(run)
        if value is None and counts:
            return matches(run, ())
        return matches(run, (b"%d" % (value or 0),))

    return condition


TESTS = (
    TestDefinition(NodeSignature("environment", (STRING, STRINGS), MATCH_TAGS, ("environment",)), _environment),
    TestDefinition(NodeSignature("ihave", (STRINGS,), (), ("ihave",)), _ihave),
    TestDefinition(
        NodeSignature(
            "spamtest", (STRING,), (*MATCH_TAGS, Tag("percent", extension="spamtestplus")), ("spamtest", "spamtestplus")
        ),
        _spamtest,
    ),
    TestDefinition(NodeSignature("virustest", (STRING,), MATCH_TAGS, ("virustest",)), _virustest),
)
