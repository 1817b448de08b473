"""Serves the Scripts contract."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from services.mailstore.domain import scripts
from services.mailstore.domain.scripts import ScriptRefused, StoredScript
from services.mailstore.endpoints import script_wire as wire
from services.mailstore.handlers import script_rows
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.scripts import ChangedScript, ScriptCommands
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.grpc.call import caller, current_provenance
from shared.grpc.errors import AlreadyExists, Invalid, LimitReached, NotFound, NotNow, ServiceError
from shared.grpc.policy import OPERATOR
from shared.protocol.sieve.diagnostic import InvalidScript
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsServicer
from shared.scripts.settings import SieveSettings

_PAGE, _MOST = 100, 1000
"""Changes, or places, of a page: by default, and at most."""
_LATEST = 1 << 62
_KINDS: dict[str, type[ServiceError]] = {
    "NONEXISTENT": NotFound,
    "CLOSED": NotFound,
    "ALREADYEXISTS": AlreadyExists,
    "ACTIVE": NotNow,
    "MAXSCRIPTS": LimitReached,
    "MAXSIZE": LimitReached,
    "LIMIT": LimitReached,
    "INVALID": Invalid,
}
SCRIPT_ERRORS = "SCRIPT"
"""The reason of a refusal because a script has errors."""


class ScriptsEndpoint(ScriptsServicer):
    """Answers services, the operator, and owners about the scripts of their accounts."""

    def __init__(
        self,
        store: EventStore,
        commands: ScriptCommands,
        owners: Owners,
        settings: SieveSettings,
        announce: Callable[[str], Awaitable[None]],
    ) -> None:
        """`announce` returns when a changed script works for the next mail, or when that cannot be waited for."""
        self._store = store
        self._commands = commands
        self._owners = owners
        self._settings = settings
        self._announce = announce

    async def PutScript(self, request: pb.PutScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "PutScript")
        with _contract_errors():
            place = scripts.place_of(owner, request.place) if request.activate or request.place else ""
            return await self._answered(
                owner, await self._commands.put(owner, request.name, request.source, place, current_provenance())
            )

    async def CheckScript(self, request: pb.CheckScriptRequest, context: Any) -> pb.CheckScriptReply:
        await self._owner(request.owner, "CheckScript", may_be_empty=True)
        with _contract_errors():
            try:
                compiled = await self._commands.compiler.compiled(request.source)
            except InvalidScript as invalid:
                return pb.CheckScriptReply(errors=wire.notes(invalid.errors), warnings=wire.notes(invalid.warnings))
        return pb.CheckScriptReply(
            warnings=wire.notes(compiled.warnings),
            requires=compiled.source.requires,
            serves_imap_events=compiled.serves_imap_events,
        )

    async def GetScript(self, request: pb.GetScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "GetScript")
        with _contract_errors():
            return pb.ScriptReply(script=await self._store.read(lambda reader: _got(reader, owner, request)))

    async def ListScripts(self, request: pb.ListScriptsRequest, context: Any) -> pb.ScriptList:
        owner = await self._owner(request.owner, "ListScripts")

        def ask(reader: Reader) -> list[pb.Script]:
            places = script_rows.places(reader, owner)
            return [
                wire.script(owner, script, _places_of(script, places)) for script in script_rows.all_of(reader, owner)
            ]

        return pb.ScriptList(
            scripts=await self._store.read(ask),
            most_scripts=self._settings.scripts,
            most_octets=self._settings.script_octets,
            extensions=sorted(self._settings.extensions),
        )

    async def ActivateScript(self, request: pb.ActivateScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "ActivateScript")
        with _contract_errors():
            return await self._answered(
                owner, await self._commands.activate(owner, request.name, request.place, current_provenance())
            )

    async def RenameScript(self, request: pb.RenameScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "RenameScript")
        with _contract_errors():
            return await self._answered(
                owner, await self._commands.rename(owner, request.name, request.new_name, current_provenance())
            )

    async def DeleteScript(self, request: pb.DeleteScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "DeleteScript")
        with _contract_errors():
            return await self._answered(owner, await self._commands.delete(owner, request.name, current_provenance()))

    async def ListScriptChanges(self, request: pb.ListScriptChangesRequest, context: Any) -> pb.ScriptChangeList:
        owner = await self._owner(request.owner, "ListScriptChanges")
        limit = min(request.limit or _PAGE, _MOST)
        with _contract_errors():
            before = script_rows.position_of(owner, request.before) if request.before else _LATEST

            def ask(reader: Reader) -> pb.ScriptChangeList:
                listed = script_rows.changes(reader, owner, request.name, before, limit + 1)
                changes = wire.changes(reader, owner, listed[:limit], with_sources=bool(request.name))
                return pb.ScriptChangeList(changes=changes, next=changes[-1].id if len(listed) > limit else "")

            return await self._store.read_long(ask)

    async def RevertScript(self, request: pb.RevertScriptRequest, context: Any) -> pb.ScriptReply:
        owner = await self._owner(request.owner, "RevertScript")
        with _contract_errors():
            return await self._answered(
                owner, await self._commands.revert(owner, request.name, request.change, current_provenance())
            )

    async def ListPlaces(self, request: pb.ListPlacesRequest, context: Any) -> pb.ScriptPlaceList:
        limit = min(request.limit or _PAGE, _MOST)

        def ask(reader: Reader) -> pb.ScriptPlaceList:
            # The stamp is read first, so that a change in between is not taken for older than the places. It looks at
            # all owners, so only a first page of all places has it.
            stamp = "" if request.owner or request.after else script_rows.stamp(reader)
            listed, following = script_rows.in_places(reader, request.owner, request.after, limit)
            return pb.ScriptPlaceList(places=map(wire.place, listed), next=following, stamp=stamp)

        return await self._store.read(ask)

    async def _answered(self, owner: str, changed: ChangedScript) -> pb.ScriptReply:
        """The answer, when a change works."""
        if changed.changed:
            await self._announce(owner)
        return _changed(owner, changed)

    async def _owner(self, owner: str, method: str, *, may_be_empty: bool = False) -> str:
        """The owner that a request names, whose scripts the caller may use.

        A service is trusted to know whose scripts it asks for: the user in whose name it acts may be the sender of a
        mail to the owner. Raises Invalid, Denied, ServiceError.
        """
        if not owner and not may_be_empty:
            raise Invalid("whose scripts?", "INVALID")
        if caller() == OPERATOR and owner:
            await self._owners.check(owner, f"Scripts/{method}")
        return owner


def _got(reader: Reader, owner: str, request: pb.GetScriptRequest) -> pb.Script:
    """The script that a request names by its name, its place, or the change that made the version."""
    if request.change:
        return wire.version(reader, owner, script_rows.position_of(owner, request.change))
    places = script_rows.places(reader, owner)
    name = request.name or places.get(request.place, "")
    known = script_rows.with_source(reader, owner, name) if name else None
    if known is None:
        what = f"script {name!r}" if name else f"script in the place {request.place!r}"
        raise ScriptRefused("NONEXISTENT", f"there is no {what}")
    script, source = known
    return wire.script(owner, script, _places_of(script, places), source)


def _changed(owner: str, changed: ChangedScript) -> pb.ScriptReply:
    compiled = changed.compiled
    return pb.ScriptReply(
        script=wire.script(owner, changed.script, changed.places) if changed.script else None,
        warnings=wire.notes(compiled.warnings) if compiled else (),
        changed=changed.changed,
        serves_imap_events=compiled.serves_imap_events if compiled else False,
    )


def _places_of(script: StoredScript, places: dict[str, str]) -> Iterable[str]:
    return (place for place, name in places.items() if name == script.name)


@contextlib.contextmanager
def _contract_errors() -> Iterator[None]:
    try:
        yield
    except ScriptRefused as refused:
        raise _KINDS[refused.reason](str(refused), refused.reason) from refused
    except InvalidScript as invalid:
        raise Invalid(f"the script has errors\n{invalid}", SCRIPT_ERRORS) from invalid
