"""`include`, `return` and `global` (RFC 6609), and `error` of ihave (RFC 5463 §5)."""

from __future__ import annotations

import re
from contextlib import suppress

from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.program import CompiledScript, Returned, RunFailed, SieveStep
from shared.protocol.sieve.running import ScriptRun, as_text
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, STRINGS, NodeSignature, Tag

_MOST_NAME = 128
_MOST_NESTING = 60
"""Blocks around the commands of a run, those of all included scripts together; so that a run never recurses deep."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# RFC 6609 §3.2, RFC 5804 §1.6: no controls, no line and paragraph separators; a slash is an ordinary character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _include(scope: Scope, arguments: Arguments) -> SieveStep:
    name = arguments.constant(0).decode("utf-8", "replace")
    location = "global" if arguments.has("global") else "personal"
    once, optional = arguments.has("once"), arguments.has("optional")
    depth = scope.depth + 1
    is_written = arguments.text(0).constant is not None
    if is_written and (not name or len(name) > _MOST_NAME or _CONTROL.search(name)):
        scope.error(arguments.place_of(0), "include: this cannot be the name of a script")

    def step(run: ScriptRun) -> None:
        key = (location, name)
        if once and key in run.once:
            return
        if key in run.included:
            raise RunFailed(f'the script "{name}" includes itself')
        run.includes += 1
        if len(run.included) >= run.limits.include_depth or run.includes > run.limits.includes:
            raise RunFailed("too many scripts are included")
        if run.depth + depth > _MOST_NESTING:
            raise RunFailed("scripts are included in blocks that are nested too deep")
        script = run.answers.included_script(location, name)
        if script is None:
            if not optional:
                raise RunFailed(f'there is no {location} script "{name}"')
            return
        run.once.add(key)
        _run_included(run, key, script, depth)

    return step


def _run_included(run: ScriptRun, key: tuple[str, str], script: CompiledScript, depth: int) -> None:
    """RFC 6609 §3.2: variables are private, unless they are global; a failure keeps its place."""
    saved = (run.variables, run.shared_names, run.captures, run.script, run.line)
    run.variables, run.shared_names, run.captures, run.script = {}, frozenset(), (), key[1]
    run.included.append(key)
    run.depth += depth
    with suppress(Returned):
        for step in script.steps:
            step(run)
    run.depth -= depth
    run.included.pop()
    run.variables, run.shared_names, run.captures, run.script, run.line = saved


def _return(_scope: Scope, _arguments: Arguments) -> SieveStep:
    def step(_run: ScriptRun) -> None:
        raise Returned

    return step


def _global(scope: Scope, arguments: Arguments) -> SieveStep:
    scope.need(arguments.place, ("variables",), "the command global")
    names: set[str] = set()
    for text in arguments.texts(0):
        name = (text.constant or b"").decode("utf-8", "replace").lower()
        if _IDENTIFIER.fullmatch(name) is None or len(name) > scope.limits.name_characters:
            scope.error(text.place, f'"{name[:80]}" is not the name of a variable')
        names.add(name)
    shared = frozenset(names)

    def step(run: ScriptRun) -> None:
        run.shared_names |= shared

    return step


def _error(_scope: Scope, arguments: Arguments) -> SieveStep:
    message = arguments.text(0)

    def step(run: ScriptRun) -> None:
        raise RunFailed(as_text(message.value(run)))

    return step


COMMANDS = (
    CommandDefinition(
        NodeSignature(
            "include",
            (STRING,),
            (Tag("personal", group="location"), Tag("global", group="location"), Tag("once"), Tag("optional")),
            ("include",),
        ),
        _include,
    ),
    CommandDefinition(NodeSignature("return", extensions=("include",)), _return),
    CommandDefinition(NodeSignature("global", (STRINGS,), extensions=("include",)), _global),
    CommandDefinition(NodeSignature("error", (STRING,), extensions=("ihave",)), _error),
)
