"""Compiled scripts, kept by all that decides about a program."""

from __future__ import annotations

from collections import OrderedDict

from shared.protocol.sieve.compiler import compile_script, program_key
from shared.protocol.sieve.extensions import EXTENSIONS, ScriptContext
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.program import CompiledScript

KEPT_OCTETS = 16 << 20
"""Octets of source whose programs are kept; a program takes a few times as much memory."""


class Programs:
    """The programs that were used last, with a bound in octets of source."""

    def __init__(
        self,
        extensions: frozenset[str] = EXTENSIONS,
        limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS,
        kept_octets: int = KEPT_OCTETS,
    ) -> None:
        self.extensions = extensions
        self.limits = limits
        self._most = kept_octets
        self._octets = 0
        self._kept: OrderedDict[str, tuple[CompiledScript, int]] = OrderedDict()

    def program(self, source: bytes, context: ScriptContext = ScriptContext.DELIVERY) -> CompiledScript:
        """The program of a script in a context. Raises InvalidScript."""
        key = program_key(source, self.extensions, context)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept[0]
        program = compile_script(source, self.extensions, self.limits, context)
        self._keep(key, program, len(source))
        return program

    def _keep(self, key: str, program: CompiledScript, octets: int) -> None:
        self._kept[key] = program, octets
        self._octets += octets
        while self._octets > self._most and len(self._kept) > 1:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._octets -= dropped
