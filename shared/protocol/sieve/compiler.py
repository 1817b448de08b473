"""Compiles scripts: octets to a program, or to all errors of the script in one pass."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b

from shared.protocol.sieve.definition import CommandDefinition, TestDefinition
from shared.protocol.sieve.diagnostic import InvalidScript, Notes, Place, TooManyErrors
from shared.protocol.sieve.extensions import COMPARATOR_EXTENSIONS, EXTENSIONS, ScriptContext
from shared.protocol.sieve.grammar.parser import parse_script
from shared.protocol.sieve.grammar.syntax import CommandNode, ListArgument, StringArgument, TestNode
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.program import (
    INTERPRETER_VERSION,
    CompiledScript,
    SieveCondition,
    SieveStep,
    has_extension,
    lacks_extension,
)
from shared.protocol.sieve.registry import COMMANDS, TESTS
from shared.protocol.sieve.tracing import traced_condition, traced_step
from shared.protocol.sieve.validate.arguments import check
from shared.protocol.sieve.validate.branch import Branch, branch_step
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.signature import NodeSignature, TestsKind

ENDS = frozenset({"stop", "return", "error"})
"""Commands behind which a block never goes on."""
_CHAIN = ("elsif", "else")


def compile_script(
    source: bytes,
    extensions: frozenset[str] = EXTENSIONS,
    limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS,
    context: ScriptContext = ScriptContext.DELIVERY,
) -> CompiledScript:
    """The program of a script. `extensions` are those that are switched on.

    Raises InvalidScript with all errors and warnings, each with line and column.
    """
    notes = Notes(limits.errors)
    steps: tuple[SieveStep, ...] = ()
    compiler = _Compiler(extensions, limits, context, notes)
    with suppress(TooManyErrors):
        steps = compiler.script(parse_script(source, limits, notes))
    if notes.errors:
        raise InvalidScript(notes.errors, notes.warnings)
    return CompiledScript(steps, frozenset(compiler.scope.required), notes.warnings)


def program_key(
    source: bytes, extensions: frozenset[str] = EXTENSIONS, context: ScriptContext = ScriptContext.DELIVERY
) -> str:
    """What a compiled script may be cached by: all that decides about its program, besides the limits."""
    digest = blake2b(digest_size=32)
    for part in (b"%d" % INTERPRETER_VERSION, context.value.encode(), " ".join(sorted(extensions)).encode(), source):
        digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()


class _Compiler:
    """Walks the tree of a script."""

    def __init__(self, extensions: frozenset[str], limits: ScriptLimits, context: ScriptContext, notes: Notes) -> None:
        self.scope = Scope(extensions, limits, context, notes, self)

    def script(self, nodes: tuple[CommandNode, ...]) -> tuple[SieveStep, ...]:
        """The whole script: `require` commands, then the others (RFC 5228 §3.2)."""
        for index, node in enumerate(nodes):
            if node.name != "require":
                return self._steps(nodes[index:])
            self._require(node)
        return ()

    def block(self, nodes: tuple[CommandNode, ...]) -> tuple[SieveStep, ...]:
        """The commands of a block."""
        self.scope.depth += 1
        try:
            return self._steps(nodes)
        finally:
            self.scope.depth -= 1

    def condition(self, node: TestNode) -> SieveCondition:
        """The compiled test; after an error, any condition."""
        definition = TESTS.get(node.name)
        if definition is None:
            self._unknown(node, "test", node.name in COMMANDS)
            return has_extension
        compiled = self._compiled_test(node, definition)
        if compiled is lacks_extension or compiled is has_extension:
            return compiled
        return traced_condition(compiled, node)

    def _compiled_test(self, node: TestNode, definition: TestDefinition) -> SieveCondition:
        self._need(node, definition.signature, "test")
        arguments = check(self.scope, node, definition.signature)
        if arguments is None:
            for test in node.tests if definition.signature.tests is not TestsKind.NONE else ():
                self.condition(test)
            return has_extension
        return definition.compile(self.scope, arguments)

    def _steps(self, nodes: tuple[CommandNode, ...]) -> tuple[SieveStep, ...]:
        steps: list[SieveStep] = []
        at = 0
        while at < len(nodes):
            node = nodes[at]
            at += 1
            if node.name == "if":
                end = at
                while end < len(nodes) and nodes[end].name in _CHAIN:
                    end += 1
                step, ends = self._if(nodes[at - 1 : end])
                at = end
                steps.append(step)
                if ends:
                    return tuple(steps)
            elif (compiled := self._command(node)) is not None:
                steps.append(compiled)
        return tuple(steps)

    def _if(self, nodes: tuple[CommandNode, ...]) -> tuple[SieveStep, bool]:
        """`if`, `elsif` and `else` (RFC 5228 §3.1); and whether what follows is never run because of an `ihave`."""
        branches: list[Branch] = []
        is_decided = ends = False
        for index, node in enumerate(nodes):
            if is_decided:
                break
            condition = self._branch_condition(node, index, nodes)
            if condition is lacks_extension:
                continue
            branches.append(Branch(None if condition is has_extension else condition, self.block(node.block or ())))
            is_decided = condition is has_extension and node.name != "else" and self.scope.requires("ihave")
            ends = is_decided and len(branches) == 1 and any(inner.name in ENDS for inner in node.block or ())
        return branch_step(tuple(branches)), ends

    def _branch_condition(self, node: CommandNode, index: int, nodes: tuple[CommandNode, ...]) -> SieveCondition:
        scope = self.scope
        if node.arguments:
            scope.error(node.arguments[0].place, f"{node.name}: takes no arguments but a test")
        if node.block is None:
            scope.error(node.place, f"{node.name}: needs a block")
        if index and nodes[index - 1].name == "else":
            scope.error(node.place, f"{node.name}: cannot follow else")
        if node.name == "else":
            if node.tests:
                scope.error(node.place, "else: takes no test")
            return has_extension
        if len(node.tests) != 1 or node.has_list:
            scope.error(node.place, f"{node.name}: takes exactly one test, without parentheses")
            return has_extension
        return self.condition(node.tests[0])

    def _command(self, node: CommandNode) -> SieveStep | None:
        definition = COMMANDS.get(node.name)
        if definition is None:
            self._misplaced_or_unknown(node)
            self.block(node.block or ())
            return None
        compiled = self._compiled_command(node, definition)
        return None if compiled is None else traced_step(compiled, node)

    def _compiled_command(self, node: CommandNode, definition: CommandDefinition) -> SieveStep | None:
        self._need(node, definition.signature, "command")
        arguments = check(self.scope, node, definition.signature)
        if arguments is None:
            self.block(node.block or ())
            return None
        return definition.compile(self.scope, arguments)

    def _need(self, node: CommandNode | TestNode, signature: NodeSignature, kind: str) -> None:
        extensions = signature.extensions
        self.scope.need(node.place, extensions, f"the {kind} {node.name}")

    def _misplaced_or_unknown(self, node: CommandNode) -> None:
        if node.name in _CHAIN:
            self.scope.error(node.place, f"{node.name}: must follow if or elsif")
        elif node.name == "require":
            self.scope.error(node.place, "require: must be in front of all other commands")
        else:
            self._unknown(node, "command", node.name in TESTS)

    def _unknown(self, node: CommandNode | TestNode, kind: str, is_other: bool) -> None:
        other = "test" if kind == "command" else "command"
        addition = f"; it is a {other}" if is_other else ""
        self.scope.error(node.place, f"there is no {kind} {node.name}{addition}")

    def _require(self, node: CommandNode) -> None:
        """require <capabilities: string-list>"""
        if len(node.arguments) != 1 or node.tests or node.block is not None:
            self.scope.error(node.place, "require: takes a string list and nothing else")
            return
        match node.arguments[0]:
            case StringArgument() as string:
                self._require_names((string,))
            case ListArgument(_, strings):
                self._require_names(strings)
            case argument:
                self.scope.error(argument.place, "require: takes a string list")

    def _require_names(self, strings: tuple[StringArgument, ...]) -> None:
        for string in strings:
            name = string.value.decode("utf-8", "replace")
            if self.scope.offers(name):
                self.scope.require(name)
            else:
                self._not_offered(string.place, name[:80])

    def _not_offered(self, place: Place, name: str) -> None:
        if name in EXTENSIONS:
            self.scope.error(place, f'require: the extension "{name}" is switched off here')
        elif name in COMPARATOR_EXTENSIONS:
            self.scope.error(place, f'require: there is no extension "{name}"; write "{COMPARATOR_EXTENSIONS[name]}"')
        else:
            self.scope.error(place, f'require: there is no extension "{name}"')
