"""The action `set` of variables (RFC 5229 §4), with its modifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from shared.protocol.sieve.compare.pattern import quote_pattern
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.program import SieveStep
from shared.protocol.sieve.running import ScriptRun, cut_characters
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, NodeSignature, Tag

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WILDCARD = re.compile(rb"[*?\\]")
Modifier = Callable[[bytes], bytes]


def _length(value: bytes) -> bytes:
    return b"%d" % len(value.decode("utf-8", "replace"))


def _quote_wildcard(value: bytes) -> bytes:
    return _WILDCARD.sub(rb"\\\g<0>", value)


def _encode_url(value: bytes) -> bytes:
    """RFC 5435 §6: all but the unreserved characters of RFC 3986 are percent-encoded."""
    return quote_from_bytes(value, safe="-._~").encode("ascii")


# RFC 5229 §4.1: those of higher precedence are applied first; only A to Z have another case.
_MODIFIERS: tuple[tuple[str, Modifier], ...] = (
    ("lower", bytes.lower),
    ("upper", bytes.upper),
    ("lowerfirst", lambda value: value[:1].lower() + value[1:]),
    ("upperfirst", lambda value: value[:1].upper() + value[1:]),
    ("quotewildcard", _quote_wildcard),
    ("quoteregex", quote_pattern),
    ("encodeurl", _encode_url),
    ("length", _length),
)
MODIFIER_TAGS = (
    Tag("lower", group="case"),
    Tag("upper", group="case"),
    Tag("lowerfirst", group="case of the first letter"),
    Tag("upperfirst", group="case of the first letter"),
    Tag("quotewildcard", group="quoting"),
    Tag("quoteregex", group="quoting", extension="regex"),
    Tag("encodeurl", extension="enotify"),
    Tag("length"),
)


def modifiers_of(arguments: Arguments) -> tuple[Modifier, ...]:
    """The modifiers in the order in which they are applied."""
    return tuple(modifier for name, modifier in _MODIFIERS if arguments.has(name))


def modified(run: ScriptRun, value: bytes, modifiers: tuple[Modifier, ...]) -> bytes:
    """The value after all modifiers; it is cut to the limit of a variable between them."""
    for modifier in modifiers:
        run.spend(len(value))
        value = cut_characters(modifier(value), run.limits.variable_characters)
    return value


def is_variable_name(name: bytes) -> bool:
    """Whether it is the name of a variable, maybe with its namespace (RFC 5229 §3)."""
    return all(_IDENTIFIER.fullmatch(part) for part in name.decode("utf-8", "replace").split("."))


def variable_name(scope: Scope, arguments: Arguments, index: int = 0) -> str:
    """The name of a variable that is written: in lower case, maybe in the namespace `global` (RFC 6609 §3.4.2)."""
    written = arguments.constant(index).decode("utf-8", "replace")
    if arguments.text(index).constant is None:
        return written
    namespace, dot, name = written.rpartition(".")
    if dot and namespace.lower() != "global":
        scope.error(arguments.place_of(index), f'a script cannot set the variable "{written[:80]}"')
    elif dot:
        scope.need(arguments.place_of(index), ("include",), 'the namespace "global"')
    if _IDENTIFIER.fullmatch(name) is None or len(name) > scope.limits.name_characters:
        scope.error(arguments.place_of(index), f'"{name[:80]}" is not the name of a variable')
    return written.lower()


def _set(scope: Scope, arguments: Arguments) -> SieveStep:
    name, value, modifiers = variable_name(scope, arguments), arguments.text(1), modifiers_of(arguments)

    def step(run: ScriptRun) -> None:
        run.set_variable(name, modified(run, value.value(run), modifiers))

    return step


COMMANDS = (CommandDefinition(NodeSignature("set", (STRING, STRING), MODIFIER_TAGS, ("variables",)), _set),)
