"""Scripts, their notes and their changes in the form of the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.mailstore.domain.scripts import StoredScript
from services.mailstore.handlers import script_rows
from services.mailstore.handlers.script_rows import NotedChange, ScriptInPlace
from services.mailstore.projections.scripts import PUT
from shared.eventstore.connection import Reader
from shared.eventstore.event import Actor
from shared.protocol.sieve.diagnostic import ScriptNote
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb

PAGE_OCTETS = 1024 * 1024
"""Octets of the sources in a page of changes."""


def notes(given: Iterable[ScriptNote]) -> Iterator[pb.ScriptNote]:
    """Errors or warnings."""
    return (pb.ScriptNote(line=note.place.line, column=note.place.column, text=note.text) for note in given)


def script(owner: str, stored: StoredScript, places: Iterable[str], source: str = "") -> pb.Script:
    """A script, with its source where that is given."""
    return pb.Script(
        name=stored.name,
        source=source,
        digest=stored.digest,
        places=places,
        requires=stored.requires,
        size=stored.size,
        at=stored.at,
        change=script_rows.change_id(owner, stored.change),
    )


def version(reader: Reader, owner: str, position: int) -> pb.Script:
    """The version of a script that a change made. Raises ScriptRefused NONEXISTENT."""
    at, put = script_rows.version(reader, owner, position)
    return pb.Script(
        name=put.name,
        source=put.source,
        digest=put.digest,
        requires=put.requires,
        size=len(put.source.encode()),
        at=at,
        change=script_rows.change_id(owner, position),
    )


def changes(reader: Reader, owner: str, listed: Sequence[NotedChange], *, with_sources: bool) -> list[pb.ScriptChange]:
    """Changes, with the sources of the versions that they made as far as a page takes them."""
    given: list[pb.ScriptChange] = []
    octets = 0
    for change in listed:
        carried = _change(owner, change)
        if with_sources and change.type == PUT and octets + change.size <= PAGE_OCTETS:
            carried.source = script_rows.version(reader, owner, change.position)[1].source
            octets += change.size
        given.append(carried)
    return given


def place(in_place: ScriptInPlace) -> pb.ScriptPlace:
    """A script that is in a place."""
    return pb.ScriptPlace(
        owner=in_place.owner,
        place=in_place.place,
        name=in_place.name,
        digest=in_place.digest,
        requires=in_place.requires,
    )


def _change(owner: str, change: NotedChange) -> pb.ScriptChange:
    return pb.ScriptChange(
        id=script_rows.change_id(owner, change.position),
        at=change.at,
        type=change.type,
        name=change.name,
        detail=change.detail,
        actor=_actor_text(change.actor),
        digest=change.digest,
        size=change.size,
    )


def _actor_text(actor: Actor) -> str:
    """Who made a change, and from where, such as `operator root` or `user u0001 192.0.2.7`."""
    return " ".join(filter(None, (actor.kind, actor.id, actor.address)))
