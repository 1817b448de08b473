"""Commands on Sieve scripts. A repeated command, also one that changes nothing, has the reply of the first attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.mailstore.domain import scripts
from services.mailstore.domain.scripts import OwnedScripts, ScriptBounds, ScriptRefused, StoredScript
from services.mailstore.handlers import load, script_rows
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.script_compiling import ScriptCompiler, StorableScript
from shared.clock import Clock
from shared.events.scripts import SERVER, ScriptDeleted, ScriptRenamed
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.scripts.settings import SieveSettings

Decide = Callable[[Reader, OwnedScripts], list[Event]]


class ChangedScript(NamedTuple):
    """What a command has done."""

    script: StoredScript | None
    """The script as it is now; None when it was deleted, or a place was emptied."""
    places: tuple[str, ...]
    changed: bool
    compiled: StorableScript | None = None


class ScriptCommands:
    """The commands."""

    def __init__(self, store: EventStore, quotas: Quotas, clock: Clock, settings: SieveSettings) -> None:
        self._store = store
        self._quotas = quotas
        self._clock = clock
        self.compiler = ScriptCompiler(settings)
        self._bounds = ScriptBounds(settings.scripts, settings.changes_a_day, settings.changed_octets_a_day)

    async def put(
        self, owner: str, name: str, source: bytes, place: str, provenance: Provenance, *, reverted_to: str = ""
    ) -> ChangedScript:
        """Store a script, and put it in a place unless `place` is empty.

        Raises InvalidScript, ScriptRefused, ServiceError.
        """
        scripts.check_name(name)
        await self._check_owner(owner)
        compiled = await self.compiler.compiled(source)

        def decide(_reader: Reader, owned: OwnedScripts) -> list[Event]:
            return scripts.put(owned, name, compiled.source, self._bounds, place, reverted_to)

        changed = await self._change(owner, name, decide, provenance)
        return changed._replace(compiled=compiled)

    async def activate(self, owner: str, name: str, place: str, provenance: Provenance) -> ChangedScript:
        """Put a script in a place, or empty the place when there is no name. Raises ScriptRefused, ServiceError."""
        place = scripts.place_of(owner, place)
        return await self._change(
            owner, name, lambda _reader, owned: scripts.activate(owned, name, place, self._bounds), provenance
        )

    async def rename(self, owner: str, name: str, new_name: str, provenance: Provenance) -> ChangedScript:
        """Give a script another name. Raises ScriptRefused."""
        scripts.check_name(new_name)

        def decide(reader: Reader, owned: OwnedScripts) -> list[Event]:
            is_taken = script_rows.named(reader, owner, new_name) is not None
            return scripts.rename(owned, name, new_name, is_taken, self._bounds)

        return await self._change(owner, name, decide, provenance, ScriptRenamed, name_after=new_name)

    async def delete(self, owner: str, name: str, provenance: Provenance) -> ChangedScript:
        """Delete a script that is in no place. Raises ScriptRefused."""
        return await self._change(
            owner, name, lambda _reader, owned: scripts.delete(owned, name, self._bounds), provenance, ScriptDeleted
        )

    async def revert(self, owner: str, name: str, change: str, provenance: Provenance) -> ChangedScript:
        """Store the version that a change made once more, under this name or the one it had.

        Raises InvalidScript where it cannot be compiled any more, ScriptRefused, ServiceError.
        """
        position = script_rows.position_of(owner, change)
        _, version = await self._store.read(lambda reader: script_rows.version(reader, owner, position))
        source = version.source.encode()
        return await self.put(owner, name or version.name, source, "", provenance, reverted_to=change)

    async def _check_owner(self, owner: str) -> None:
        """Check that the directory has the account, which may have no mailbox yet. Raises ScriptRefused CLOSED."""
        if owner != SERVER and not (owner and await self._quotas.has_account(owner)):
            raise ScriptRefused("CLOSED", "there is no such account")

    async def _change(
        self,
        owner: str,
        name: str,
        decide: Decide,
        provenance: Provenance,
        ends_with: type[Event] | None = None,
        *,
        name_after: str = "",
    ) -> ChangedScript:
        """Carry out a decision. A command whose event `ends_with` is there already was carried out before."""

        def work(tx: Transaction) -> ChangedScript:
            if ends_with and any(isinstance(entry.event, ends_with) for entry in tx.answered(provenance.command)):
                return _now(tx, owner, name_after or name, changed=True)
            if load.closing_of(tx, owner):
                raise ScriptRefused("CLOSED", "the account was removed")
            events = decide(tx, script_rows.owned(tx, owner, name, self._clock.now()))
            tx.append(owner, events, provenance)
            return _now(tx, owner, name_after or name, changed=bool(events))

        return await self._store.write(work)


def _now(reader: Reader, owner: str, name: str, *, changed: bool) -> ChangedScript:
    places = tuple(place for place, there in script_rows.places(reader, owner).items() if there == name)
    return ChangedScript(script_rows.named(reader, owner, name), places, changed)
