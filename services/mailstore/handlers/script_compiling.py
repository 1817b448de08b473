"""Compiles scripts that are stored or checked; a long one is compiled in a thread, so that the loop is never held."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import NamedTuple

from services.mailstore.domain.scripts import CompiledSource, ScriptRefused
from shared.grpc.errors import Unavailable
from shared.protocol.sieve.diagnostic import ScriptNote
from shared.protocol.sieve.extensions import NOT_IN_IMAP_EVENTS
from shared.scripts.settings import SieveSettings
from shared.scripts.storable import StorableText, storable

OCTETS_ON_LOOP = 1024
"""Octets of a script that is compiled on the loop: some milliseconds, also where they are regular expressions."""

_MOST_WAITING = 256
"""Long scripts that are compiled or wait for it."""


class StorableScript(NamedTuple):
    """A script that may be stored."""

    source: CompiledSource
    warnings: tuple[ScriptNote, ...]
    serves_imap_events: bool
    """Whether it may also run on events of IMAP (RFC 6785 §3.11)."""


class ScriptCompiler:
    """Compiles for delivery, with the extensions and limits of the settings, one long script at a time."""

    def __init__(self, settings: SieveSettings) -> None:
        self._extensions = settings.extensions
        self._limits = settings.limits
        self._thread_is_free = asyncio.Lock()
        self._waiting = 0

    async def compiled(self, source: bytes) -> StorableScript:
        """The compiled script. Raises InvalidScript, ScriptRefused MAXSIZE, Unavailable."""
        if len(source) > self._limits.script_octets:
            most = self._limits.script_octets
            raise ScriptRefused("MAXSIZE", f"the script has {len(source)} octets, and may have {most}")
        text, program = await self._storable(source)
        digest = blake2b(source, digest_size=32).hexdigest()
        stored = CompiledSource(text, digest, len(source), tuple(sorted(program.extensions)))
        return StorableScript(stored, program.warnings, not program.extensions & NOT_IN_IMAP_EVENTS)

    async def _storable(self, source: bytes) -> StorableText:
        if len(source) <= OCTETS_ON_LOOP:
            return storable(source, self._extensions, self._limits)
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("many scripts are being compiled; try again in a moment", "scripts")
        self._waiting += 1
        try:
            return await self._in_thread(source)
        finally:
            self._waiting -= 1

    async def _in_thread(self, source: bytes) -> StorableText:
        async with self._thread_is_free:
            return await asyncio.to_thread(storable, source, self._extensions, self._limits)
