"""Reads Sieve scripts, their places and their changes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.mailstore.domain.scripts import OwnedScripts, ScriptRefused, StoredScript
from services.mailstore.projections.scripts import PUT, RENAMED
from shared.events.scripts import AFTER, BEFORE, ScriptPut
from shared.eventstore.connection import Reader, Row
from shared.eventstore.event import Actor, decode, decode_actor
from shared.expiry import DAY
from shared.ids import SHARDS, shard_of

_SCRIPT = "name, digest, requires, size, at, change"
_CHANGE = "position, at, type, name, detail, actor, digest, size"
_OF_NAME = f"SELECT {_SCRIPT} FROM script WHERE owner = ? AND name = ?"  # noqa: S608
_WITH_SOURCE = f"SELECT {_SCRIPT}, source FROM script WHERE owner = ? AND name = ?"  # noqa: S608
_OF_OWNER = f"SELECT {_SCRIPT} FROM script WHERE owner = ? ORDER BY name LIMIT ?"  # noqa: S608
_PLACES = "SELECT place, name FROM script_place WHERE owner = ? ORDER BY place"
_LATELY = "SELECT count(*), coalesce(sum(size), 0) FROM script_change WHERE owner = ? AND at > ?"
_CHANGES = f"SELECT {_CHANGE} FROM script_change WHERE owner = ?"  # noqa: S608
_ALL_PLACES = (
    "SELECT owner, place, name, digest, requires FROM script_place WHERE owner > ? ORDER BY owner, place LIMIT ?"
)
_OWN_PLACES = "SELECT owner, place, name, digest, requires FROM script_place WHERE owner = ? ORDER BY place"
_STAMP = "SELECT count(*), coalesce(sum(changes), 0), coalesce(max(at), 0) FROM script_owner"
_EVENT = "SELECT type, schema, data FROM event WHERE shard = ? AND position = ?"
_MOST_LISTED = 1000
_names = msgspec.json.Decoder(tuple[str, ...])


class NotedChange(NamedTuple):
    """A change of an owner's scripts."""

    position: int
    at: int
    type: str
    name: str
    detail: str
    actor: Actor
    digest: str
    size: int


class ScriptInPlace(NamedTuple):
    """A script that is in a place."""

    owner: str
    place: str
    name: str
    digest: str
    requires: tuple[str, ...]


def owned(reader: Reader, owner: str, name: str, now: int) -> OwnedScripts:
    """What a decision about an owner's script of this name needs. `now` is in UTC microseconds."""
    scripts = reader.first_row("SELECT count(*) FROM script WHERE owner = ?", (owner,))
    changes, octets = reader.first_row(_LATELY, (owner, now - DAY)) or (0, 0)
    return OwnedScripts(
        owner,
        scripts[0] if scripts else 0,
        named(reader, owner, name),
        places(reader, owner),
        changes,
        int(octets),
    )


def named(reader: Reader, owner: str, name: str) -> StoredScript | None:
    """The owner's script of this name, or None."""
    row = reader.first_row(_OF_NAME, (owner, name))
    return _script(row) if row else None


def places(reader: Reader, owner: str) -> dict[str, str]:
    """The names of the scripts in the owner's places."""
    return dict(reader.all(_PLACES, (owner,)))


def all_of(reader: Reader, owner: str) -> list[StoredScript]:
    """The owner's scripts in the order of their names."""
    return [_script(row) for row in reader.all(_OF_OWNER, (owner, _MOST_LISTED))]


def with_source(reader: Reader, owner: str, name: str) -> tuple[StoredScript, str] | None:
    """An owner's script and its source, of the same moment; or None."""
    row = reader.first_row(_WITH_SOURCE, (owner, name))
    return (_script(row[:-1]), row[-1]) if row else None


def source(reader: Reader, owner: str, name: str) -> bytes | None:
    """The source of an owner's script, or None."""
    known = with_source(reader, owner, name)
    return known[1].encode() if known else None


def changes(reader: Reader, owner: str, name: str, before: int, limit: int) -> list[NotedChange]:
    """The changes before a position, newest first; with a name those of the script that had this name last."""
    if not name:
        rows = reader.all(f"{_CHANGES} AND position < ? ORDER BY number DESC LIMIT ?", (owner, before, limit))
        return [_change(row) for row in rows]
    listed: list[NotedChange] = []
    for row in reader.all(
        f"{_CHANGES} ORDER BY number DESC", (owner,)
    ):  # all of them: renames lead from one to the next
        change = _change(row)
        is_new_name = change.type == RENAMED and change.detail == name
        if is_new_name or change.name == name:
            listed += [change] if change.position < before else []
            name = change.name if is_new_name else name
    return listed[:limit]


def version(reader: Reader, owner: str, position: int) -> tuple[int, ScriptPut]:
    """The version of a script that a change made, and when. Raises ScriptRefused NONEXISTENT."""
    known = reader.first_row(
        "SELECT at FROM script_change WHERE owner = ? AND position = ? AND type = ?", (owner, position, PUT)
    )
    row = reader.first_row(_EVENT, (shard_of(owner), position)) if known else None
    event = decode(row[0], row[1], bytes(row[2])) if row else None
    if known is None or not isinstance(event, ScriptPut):
        raise ScriptRefused("NONEXISTENT", "no change of these scripts with this id has stored a version")
    return known[0], event


def in_places(reader: Reader, owner: str, after: str, limit: int) -> tuple[list[ScriptInPlace], str]:
    """The scripts in places: an owner's, or a page of those of all owners after one; and where the next page begins.

    An owner has at most two places. All of them are in the same page.
    """
    if owner:
        return [_in_place(row) for row in reader.all(_OWN_PLACES, (owner,))], ""
    limit = max(limit, len((BEFORE, AFTER)))
    rows = reader.all(_ALL_PLACES, (after, limit + 1))
    if len(rows) <= limit:
        return [_in_place(row) for row in rows], ""
    whole = [_in_place(row) for row in rows if row[0] != rows[-1][0]]
    return whole, whole[-1].owner


def stamp(reader: Reader) -> str:
    """A text that is another one after any change of any script, and after the restore of an earlier state."""
    owners, total, at = reader.first_row(_STAMP) or (0, 0, 0)
    return f"{owners}.{int(total)}.{at}"


def change_id(owner: str, position: int) -> str:
    """The id of a change, which is that of its event."""
    return f"mailstore.{shard_of(owner)}.{position}"


def position_of(owner: str, text: str) -> int:
    """The position of the event with this id. Raises ScriptRefused NONEXISTENT for another owner's, or no id."""
    service, _, rest = text.partition(".")
    shard, _, number = rest.partition(".")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 18
    if service != "mailstore" or shard not in map(str, range(SHARDS)) or not is_number or int(shard) != shard_of(owner):
        raise ScriptRefused("NONEXISTENT", f"{text[:80]!r} is not the id of a change of these scripts")
    return int(number)


def _script(row: Row) -> StoredScript:
    name, digest, requires, size, at, change = row
    return StoredScript(name, digest, _names.decode(requires), size, at, change)


def _change(row: Row) -> NotedChange:
    position, at, kind, name, detail, actor, digest, size = row
    return NotedChange(position, at, kind, name, detail, decode_actor(actor), digest, size)


def _in_place(row: Row) -> ScriptInPlace:
    owner, place, name, digest, requires = row
    return ScriptInPlace(owner, place, name, digest, _names.decode(requires))
