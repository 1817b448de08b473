"""The tests that combine tests (RFC 5228 §5.2, §5.3, §5.10), the constants (§5.6, §5.11) and `size` (§5.9)."""

from __future__ import annotations

from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import SieveCondition, has_extension, lacks_extension
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NUMBER, NodeSignature, Tag, TestsKind


def _allof(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5463 §4: what stands behind an `ihave` that is false is not validated, because it is never evaluated."""
    inner: list[SieveCondition] = []
    for test in arguments.tests:
        condition = scope.compiler.condition(test)
        if condition is lacks_extension:
            return lacks_extension
        inner.append(condition)

    def condition_of_all(run: ScriptRun) -> bool:
        for condition in inner:  # noqa: SIM110 - twice as fast as all(), and scripts consist of this
            if not condition(run):
                return False
        return True

    return condition_of_all


def _anyof(scope: Scope, arguments: Arguments) -> SieveCondition:
    inner = [scope.compiler.condition(test) for test in arguments.tests]
    if all(condition is lacks_extension for condition in inner):
        return lacks_extension

    def condition_of_any(run: ScriptRun) -> bool:
        for condition in inner:  # noqa: SIM110
            if condition(run):
                return True
        return False

    return condition_of_any


def _not(scope: Scope, arguments: Arguments) -> SieveCondition:
    inner = scope.compiler.condition(arguments.tests[0])
    if inner is lacks_extension:
        return has_extension
    if inner is has_extension:
        return lacks_extension
    return lambda run: not inner(run)


def _true(_scope: Scope, _arguments: Arguments) -> SieveCondition:
    return lambda _run: True


def _false(_scope: Scope, _arguments: Arguments) -> SieveCondition:
    return lambda _run: False


def _size(scope: Scope, arguments: Arguments) -> SieveCondition:
    limit = arguments.number(0)
    match arguments.chosen("over", "under"):
        case "over":
            return lambda run: run.message.size > limit
        case "under":
            return lambda run: run.message.size < limit
        case _:
            scope.error(arguments.place, "size: needs :over or :under")
            return lacks_extension


TESTS = (
    TestDefinition(NodeSignature("allof", tests=TestsKind.LIST), _allof),
    TestDefinition(NodeSignature("anyof", tests=TestsKind.LIST), _anyof),
    TestDefinition(NodeSignature("not", tests=TestsKind.SINGLE), _not),
    TestDefinition(NodeSignature("true"), _true),
    TestDefinition(NodeSignature("false"), _false),
    TestDefinition(NodeSignature("size", (NUMBER,), (Tag("over", group="size"), Tag("under", group="size"))), _size),
)
