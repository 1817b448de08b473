"""The loop over the parts of a message: `foreverypart` and `break` (RFC 5703 §3)."""

from __future__ import annotations

from shared.protocol.sieve.conditions.sources import subtree
from shared.protocol.sieve.definition import CommandDefinition
from shared.protocol.sieve.program import LoopBroken, SieveStep, run_steps
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import STRING, NodeSignature, Tag

_DEEPEST = 5
"""Loops within loops: their costs multiply."""


def _foreverypart(scope: Scope, arguments: Arguments) -> SieveStep:
    name = (arguments.tag_constant("name") or b"").decode("utf-8", "replace")
    if len(scope.loops) >= _DEEPEST:
        scope.error(arguments.place, f"foreverypart: loops are nested deeper than {_DEEPEST}")
        return lambda _run: None
    if name and name in scope.loops:
        scope.error(arguments.place, f'foreverypart: there is a loop with the name "{name}" around this one')
    scope.loops.append(name)
    steps = scope.compiler.block(arguments.block)
    scope.loops.pop()

    def step(run: ScriptRun) -> None:
        try:
            _run_for_parts(run, steps)
        except LoopBroken as broken:
            if broken.name and broken.name != name:
                raise
        if not run.parts:
            run.finish_enclosures()

    return step


def _run_for_parts(run: ScriptRun, steps: tuple[SieveStep, ...]) -> None:
    """Depth first, the message itself first; in an inner loop, the parts within the present part (RFC 5703 §3.1).

    A part that the block replaced is not visited again, nor are the parts within it.
    """
    parts = range(len(run.message.scan.parts)) if not run.parts else subtree(run, run.parts[-1])[1:]
    index, left = parts.start, len(parts)
    while left > 0:
        run.step()
        count, changes = len(run.message.scan.parts), run.message.changes
        within = len(subtree(run, index))
        run.parts.append(index)
        try:
            run_steps(steps, run)
        finally:
            run.parts.pop()
        if run.message.changes == changes:
            index, left = index + 1, left - 1
        else:
            grown = len(run.message.scan.parts) - count
            index, left = index + max(within + grown, 1), left - within


def _break(scope: Scope, arguments: Arguments) -> SieveStep:
    name = (arguments.tag_constant("name") or b"").decode("utf-8", "replace")
    if not scope.loops:
        scope.error(arguments.place, "break: there is no loop around it")
    elif name and name not in scope.loops:
        scope.error(arguments.place, f'break: there is no loop "{name[:60]}" around it')

    def step(_run: ScriptRun) -> None:
        raise LoopBroken(name)

    return step


COMMANDS = (
    CommandDefinition(
        NodeSignature("foreverypart", tags=(Tag("name", STRING),), extensions=("foreverypart",), block=True),
        _foreverypart,
    ),
    CommandDefinition(NodeSignature("break", tags=(Tag("name", STRING),), extensions=("foreverypart",)), _break),
)
