"""The tests `valid_notify_method` and `notify_method_capability` (RFC 5435 §4, §5), and `valid_ext_list` (RFC 6134)."""

from __future__ import annotations

from shared.protocol.sieve.compare.matching import compile_match
from shared.protocol.sieve.definition import TestDefinition
from shared.protocol.sieve.mail.notify_uri import InvalidNotifyUri, parse_mailto
from shared.protocol.sieve.program import SieveCondition
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import MATCH_TAGS, STRING, STRINGS, NodeSignature


def _is_valid(uri: bytes) -> bool:
    try:
        parse_mailto(uri.decode("utf-8", "replace"))
    except InvalidNotifyUri:
        return False
    return True


def _valid_notify_method(_scope: Scope, arguments: Arguments) -> SieveCondition:
    uris = arguments.texts(0)
    return lambda run: all(_is_valid(uri.value(run)) for uri in uris)


def _notify_method_capability(scope: Scope, arguments: Arguments) -> SieveCondition:
    """RFC 5436 §2.7: of mailto it is never known whether the recipient is online; other capabilities do not exist."""
    uri, capability = arguments.text(0), arguments.text(1)
    matches = compile_match(scope, arguments, arguments.texts(2))

    def condition(run: ScriptRun) -> bool:
        if capability.value(run).lower() != b"online" or not _is_valid(uri.value(run)):
            return False
        return matches(run, (b"maybe",))

    return condition


def _valid_ext_list(_scope: Scope, arguments: Arguments) -> SieveCondition:
    names = arguments.texts(0)
    return lambda run: all(run.answers.list_exists(name.value(run).decode("utf-8", "replace")) for name in names)


TESTS = (
    TestDefinition(NodeSignature("valid_notify_method", (STRINGS,), (), ("enotify",)), _valid_notify_method),
    TestDefinition(
        NodeSignature("notify_method_capability", (STRING, STRING, STRINGS), MATCH_TAGS, ("enotify",)),
        _notify_method_capability,
    ),
    TestDefinition(NodeSignature("valid_ext_list", (STRINGS,), (), ("extlists",)), _valid_ext_list),
)
