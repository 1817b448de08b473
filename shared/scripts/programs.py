"""Compiled scripts, kept by all that decides about a program."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from threading import Lock

from shared.protocol.sieve.compiler import compile_script, program_key
from shared.protocol.sieve.extensions import EXTENSIONS, ScriptContext
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.program import CompiledScript

KEPT_OCTETS = 128 << 20
"""Octets of memory that the kept programs take, as far as it can be estimated from their sources."""
_COMPILED_ON_LOOP = 4096
"""Octets of a source that is compiled on the event loop, within some milliseconds; a larger one is in a thread, and so
is one with regular expressions, a hundred of which take longer than all else."""
_COMMAND_OCTETS, _SOURCE_OCTETS, _PATTERN_OCTETS = 1200, 32, 1 << 18
"""Measured memory of a command, and of an octet of its strings; and what RE2 may use for a pattern."""
_REGEX = b"regex"


class Programs:
    """The programs that were used last, with a bound in octets of memory. Threads may share them."""

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
        self._lock = Lock()
        """Guards what is kept; nothing is compiled under it."""
        self._kept: OrderedDict[str, tuple[CompiledScript, int]] = OrderedDict()

    def program(self, source: bytes, context: ScriptContext = ScriptContext.DELIVERY) -> CompiledScript:
        """The program of a script in a context. Raises InvalidScript."""
        key = program_key(source, self.extensions, context)
        kept = self._kept_program(key)
        if kept is None:
            kept = compile_script(source, self.extensions, self.limits, context)
            self._keep(key, kept, memory_of(source))
        return kept

    async def program_soon(self, source: bytes, context: ScriptContext = ScriptContext.DELIVERY) -> CompiledScript:
        """The program of a script; a large one is compiled in a thread. Raises InvalidScript."""
        if len(source) <= _COMPILED_ON_LOOP and _REGEX not in source.lower():
            return self.program(source, context)
        kept = self._kept_program(program_key(source, self.extensions, context))
        return kept if kept is not None else await asyncio.to_thread(self.program, source, context)

    def _kept_program(self, key: str) -> CompiledScript | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
            return kept[0]

    def _keep(self, key: str, program: CompiledScript, octets: int) -> None:
        with self._lock:
            _, replaced = self._kept.pop(key, (None, 0))
            self._kept[key] = program, octets
            self._octets += octets - replaced
            while self._octets > self._most and len(self._kept) > 1:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._octets -= dropped


def memory_of(source: bytes) -> int:
    """The octets of memory that the program of a source takes, about: short commands take 250 times their octets."""
    commands = source.count(b";") + source.count(b"{")
    patterns = min(DEFAULT_SCRIPT_LIMITS.patterns, source.count(b'"') // 2) if _REGEX in source.lower() else 0
    return commands * _COMMAND_OCTETS + len(source) * _SOURCE_OCTETS + patterns * _PATTERN_OCTETS
