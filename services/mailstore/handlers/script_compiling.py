"""Compiles scripts that are stored or checked; a long one is compiled in a thread, so that the loop is never held."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import NamedTuple

from services.mailstore.domain.scripts import CompiledSource, ScriptRefused
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript, Place, ScriptNote
from shared.protocol.sieve.extensions import NOT_IN_IMAP_EVENTS
from shared.protocol.sieve.program import CompiledScript
from shared.scripts.settings import SieveSettings

_OCTETS_ON_LOOP = 4096
"""Octets of a script that is compiled on the loop: a few milliseconds."""


class StorableScript(NamedTuple):
    """A script that may be stored."""

    source: CompiledSource
    warnings: tuple[ScriptNote, ...]
    serves_imap_events: bool
    """Whether it may also run on events of IMAP (RFC 6785 §3.11)."""


class ScriptCompiler:
    """Compiles for delivery, with the extensions and limits of the settings, one long script at a time."""

    def __init__(self, settings: SieveSettings) -> None:
        self._settings = settings
        self._extensions = settings.extensions
        self._limits = settings.limits
        self._thread_is_free = asyncio.Lock()

    async def compiled(self, source: bytes) -> StorableScript:
        """The compiled script. Raises InvalidScript, and ScriptRefused MAXSIZE."""
        if len(source) > self._limits.script_octets:
            most = self._limits.script_octets
            raise ScriptRefused("MAXSIZE", f"the script has {len(source)} octets, and may have {most}")
        text = text_of(source)
        if len(source) <= _OCTETS_ON_LOOP:
            program = self._compile(source)
        else:
            async with self._thread_is_free:
                program = await asyncio.to_thread(self._compile, source)
        digest = blake2b(source, digest_size=32).hexdigest()
        stored = CompiledSource(text, digest, len(source), tuple(sorted(program.extensions)))
        return StorableScript(stored, program.warnings, not program.extensions & NOT_IN_IMAP_EVENTS)

    def _compile(self, source: bytes) -> CompiledScript:
        return compile_script(source, self._extensions, self._limits)


def text_of(source: bytes) -> str:
    """The script as text, also its comments, which the compiler does not read. Raises InvalidScript."""
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        before = source[: error.start].decode()
        raise InvalidScript((ScriptNote(_place_after(before), "a script is UTF-8, and this is not"),)) from error
    before, nul, _ = text.partition("\0")
    if nul:
        raise InvalidScript((ScriptNote(_place_after(before), "a script cannot contain a NUL"),))
    return text


def _place_after(text: str) -> Place:
    lines = text.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)
