"""The tests `header` (RFC 5228 §5.7) and `exists` (§5.5), with index (RFC 5260 §6) and mime (RFC 5703 §4)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.conditions.mime_option import mime_option
from shared.protocol.sieve.conditions.sources import field_names, header_source, picked, single_name
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import (
    INDEX_TAGS,
    MATCH_TAGS,
    MIME_PART_TAGS,
    MIME_TAGS,
    STRINGS,
    NodeSignature,
)


def _header(scope: Scope, arguments: Arguments) -> SieveCondition:
    names, headers = field_names(scope, arguments.texts(0)), header_source(arguments)
    pick, option = picked(scope, arguments), mime_option(scope, arguments)
    matches = compile_match(scope, arguments, arguments.texts(1))
    if pick is None and option is None and not arguments.has("mime"):
        only = single_name(arguments.texts(0))
        if only is not None:
            return lambda run: matches(run, run.message.header.values(only))
        return lambda run: matches(run, [value for name in names(run) for value in run.message.header.values(name)])

    def condition(run: ScriptRun) -> bool:
        fields: Sequence[tuple[bytes, bytes]] = [
            (name, value)
            for header in headers(run)
            for name in names(run)
            for value in (header.values(name) if option is None else header.raw_values(name))
        ]
        values: list[bytes] = []
        for name, value in fields if pick is None else pick(fields):
            values += (value,) if option is None else option(run, name, value)
        return matches(run, values)

    return condition


def _exists(scope: Scope, arguments: Arguments) -> SieveCondition:
    names, headers = field_names(scope, arguments.texts(0)), header_source(arguments)

    def condition(run: ScriptRun) -> bool:
        blocks = headers(run)
        return all(any(block.has(name) for block in blocks) for name in names(run))

    return condition


TESTS = (
    TestDefinition(
        NodeSignature(
            "header",
            (STRINGS, STRINGS),
            (*MATCH_TAGS, *INDEX_TAGS, *MIME_TAGS, *MIME_PART_TAGS),
        ),
        _header,
    ),
    TestDefinition(NodeSignature("exists", (STRINGS,), MIME_TAGS), _exists),
)
