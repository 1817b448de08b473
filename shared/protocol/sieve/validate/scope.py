"""What is known while a script is compiled: the required extensions, the loops around a command, the notes so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from shared.protocol.sieve.diagnostic import Notes, Place
from shared.protocol.sieve.extensions import BUILT_IN_COMPARATORS, IMPLIED, NOT_IN_IMAP_EVENTS, ScriptContext
from shared.protocol.sieve.grammar.syntax import CommandNode, StringArgument, TestNode
from shared.protocol.sieve.limits import ScriptLimits
from shared.protocol.sieve.program import SieveCondition, SieveStep
from shared.protocol.sieve.validate.text import ScriptText, compile_text


class CompilesNodes(Protocol):
    """Compiles what is nested in a command or a test."""

    def condition(self, node: TestNode) -> SieveCondition:
        """The compiled test."""

    def block(self, nodes: tuple[CommandNode, ...]) -> tuple[SieveStep, ...]:
        """The compiled commands."""


class Scope:
    """The state of one compilation."""

    def __init__(
        self,
        extensions: frozenset[str],
        limits: ScriptLimits,
        context: ScriptContext,
        notes: Notes,
        compiler: CompilesNodes,
    ) -> None:
        self.compiler = compiler
        self.extensions, self.limits, self.context, self.notes = extensions, limits, context, notes
        self.required: set[str] = set()
        self.loops: list[str] = []
        """The names of the `foreverypart` loops around the present command, "" for one without a name."""
        self.depth = 0
        """The number of blocks around the present command."""
        self.global_names: set[str] = set()
        """The variables that `global` has declared (RFC 6609 §3.4)."""
        self.error_count = 0
        self.patterns = 0
        """Regular expressions so far."""

    def error(self, place: Place, text: str) -> None:
        """Report an error of the script."""
        self.error_count += 1
        self.notes.error(place, text)

    def requires(self, extension: str) -> bool:
        """Whether the script has required the extension, or what implies it."""
        return extension in self.required

    def offers(self, extension: str) -> bool:
        """Whether the extension is known and switched on here."""
        if self.context is ScriptContext.IMAP_EVENT and extension in NOT_IN_IMAP_EVENTS:
            return False
        return extension in self.extensions or extension in BUILT_IN_COMPARATORS

    def require(self, extension: str) -> None:
        """Note that the script has required an extension that is offered."""
        self.required.add(extension)
        self.required.update(IMPLIED.get(extension, ()))

    def need(self, place: Place, extensions: Iterable[str], use: str) -> bool:
        """Check that one of the extensions is required; otherwise report an error that names it."""
        names = tuple(extensions)
        if not names or any(name in self.required for name in names):
            return True
        choice = " or ".join(f'"{name}"' for name in names)
        self.error(place, f"{use} needs require {choice}")
        return False

    def text(self, argument: StringArgument) -> ScriptText:
        """A string of the script with its encoded characters decoded and its variables known."""
        return compile_text(argument, self.required, self)
