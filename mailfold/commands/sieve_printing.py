"""How scripts, their errors and their changes are printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mailfold.commands.printing import as_json, table
from mailfold.texts import moment, printable

if TYPE_CHECKING:
    from shared.protocol.sieve.diagnostic import ScriptNote

_SCRIPT = ("name", "places", "size", "requires", "at", "change", "digest")
_SHOWN = ("name", "places", "size", "requires", "at", "change")
_CHANGE = ("id", "at", "actor", "type", "name", "detail", "size", "digest")
_PLACE = ("owner", "place", "name", "requires")
_SHOWN_CHANGE = ("id", "at", "actor", "change", "size")


class PlacedNote(NamedTuple):
    """An error or a warning in the form of the contract."""

    line: int
    column: int
    text: str


def placed(notes: Iterable[ScriptNote]) -> list[PlacedNote]:
    """What the compiler has noted."""
    return [PlacedNote(note.place.line, note.place.column, note.text) for note in notes]


def script_values(script: Any) -> dict[str, Any]:
    """A script as values for programs."""
    values = {field: getattr(script, field) for field in _SCRIPT}
    return {**values, "places": list(script.places), "requires": list(script.requires)}


def note_values(notes: Iterable[Any]) -> list[dict[str, Any]]:
    """Errors or warnings of the contract as values for programs."""
    return [{"line": note.line, "column": note.column, "text": note.text} for note in notes]


def change_values(change: Any) -> dict[str, Any]:
    """A change as values for programs."""
    return {field: getattr(change, field) for field in _CHANGE}


def print_scripts(scripts: Sequence[Any], *, json: bool) -> None:
    """The scripts of an owner."""
    values = [script_values(script) for script in scripts]
    if json:
        as_json(values)
        return
    rows = [[moment(value[field]) if field == "at" else value[field] for field in _SHOWN] for value in values]
    table(_SHOWN, rows, "there are no scripts")


def print_changed(done: str, reply: Any, *, json: bool) -> None:
    """What a command has done to a script."""
    script = script_values(reply.script) if reply.HasField("script") else None
    if json:
        as_json({"script": script, "changed": reply.changed, "warnings": note_values(reply.warnings)})
        return
    print_notes("", reply.warnings, "warning: ")
    print(printable(done if reply.changed else f"{done}: it was so before, nothing was changed"))


def print_checked(
    file: str, errors: Sequence[Any], warnings: Sequence[Any], requires: Sequence[str], *, json: bool
) -> None:
    """The result of a check."""
    if json:
        values = {"errors": note_values(errors), "warnings": note_values(warnings), "requires": list(requires)}
        as_json(values)
        return
    print_notes(file, errors)
    print_notes(file, warnings, "warning: ")
    if not errors:
        needs = f"; it requires {', '.join(requires)}" if requires else ""
        print(printable(f"{file}: no errors{needs}"))


def print_notes(file: str, notes: Iterable[Any], kind: str = "") -> None:
    """Errors or warnings, with a line for each, beside what programs read."""
    for note in notes:
        where = f"{file}: " if file else ""
        print(printable(f"{where}line {note.line}, column {note.column}: {kind}{note.text}"), file=sys.stderr)


def print_changes(changes: Sequence[Any], *, json: bool) -> None:
    """Changes, the newest first."""
    values = [change_values(change) for change in changes]
    if json:
        as_json(values)
        return
    rows = [[value["id"], moment(value["at"]), value["actor"], _words(value), value["size"] or ""] for value in values]
    table(_SHOWN_CHANGE, rows, "nothing was changed yet")


def print_places(places: Sequence[Any], addresses: Mapping[str, str], *, json: bool) -> None:
    """The scripts that are in places, of all owners; accounts with their addresses where they are known."""
    values = [
        {
            "owner": place.owner,
            "address": addresses.get(place.owner, ""),
            "place": place.place,
            "name": place.name,
            "requires": list(place.requires),
        }
        for place in places
    ]
    if json:
        as_json(values)
        return
    rows = [[value["address"] or value["owner"], *(value[field] for field in _PLACE[1:])] for value in values]
    table(_PLACE, rows, "no script runs over mail")


def print_script(script: Any, *, json: bool) -> None:
    """A script itself."""
    as_json({**script_values(script), "source": script.source}) if json else print_source(script.source)


def print_source(source: str) -> None:
    """A script or a difference as it is; on a terminal without characters that control it."""
    if sys.stdout.isatty():
        sys.stdout.write(printable(source.expandtabs(), keep_lines=True))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(source.encode())


def _words(change: Mapping[str, Any]) -> str:
    """A change in words, such as `put main`."""
    name, detail = change["name"], change["detail"]
    match change["type"]:
        case "renamed":
            return f"renamed {name} to {detail}"
        case "activated":
            return f"put {name} in the place {detail}" if name else f"emptied the place {detail}"
        case "put" if detail:
            return f"put {name}, the version of {detail} again"
        case kind:
            return f"{kind} {name}"
