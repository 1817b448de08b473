"""Decisions on Sieve scripts: what is stored, under which names, and in which places scripts work (RFC 5804 §2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from shared.events.scripts import (
    ACTIVE,
    AFTER,
    BEFORE,
    SERVER,
    ScriptActivated,
    ScriptDeleted,
    ScriptPut,
    ScriptRenamed,
)
from shared.eventstore.event import Event

NAME_CHARACTERS = 128
"""The names that every server must take (RFC 5804 §1.6)."""
_SEPARATORS = ("\u2028", "\u2029")


class ScriptRefused(Exception):
    """A command on scripts is refused for a reason of the contract: NONEXISTENT, ALREADYEXISTS, ACTIVE, MAXSCRIPTS,
    MAXSIZE, LIMIT, INVALID or CLOSED."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class StoredScript(NamedTuple):
    """A script that an owner has."""

    name: str
    digest: str
    requires: tuple[str, ...]
    size: int
    at: int
    """When it was changed last, in UTC microseconds."""
    change: int
    """The position of the event that made this version, in the shard of its owner."""


class CompiledSource(NamedTuple):
    """A script that was compiled and may be stored."""

    text: str
    digest: str
    size: int
    requires: tuple[str, ...]


class OwnedScripts(NamedTuple):
    """The scripts of an owner, as far as a decision needs them."""

    owner: str
    scripts: int
    named: StoredScript | None
    """The one with the name that the command gives."""
    places: Mapping[str, str]
    """The names of the scripts in places."""
    changes: int
    """Changes of the last 24 hours."""
    octets: int
    """Octets that were stored in the last 24 hours."""


class ScriptBounds(NamedTuple):
    """What an owner may have and do."""

    scripts: int
    changes_a_day: int
    octets_a_day: int


def check_name(name: str) -> str:
    """The name of a script, which is data: any text without control characters and line separators (RFC 5804 §1.6).

    Raises ScriptRefused INVALID.
    """
    if not name or len(name) > NAME_CHARACTERS:
        raise ScriptRefused("INVALID", f"the name of a script has 1 to {NAME_CHARACTERS} characters, not {len(name)}")
    if any(unicodedata.category(character) == "Cc" or character in _SEPARATORS for character in name):
        raise ScriptRefused("INVALID", "the name of a script has no control characters and no line separators")
    return name


def place_of(owner: str, place: str) -> str:
    """The place that a command names; accounts have one. Raises ScriptRefused INVALID."""
    if owner == SERVER:
        if place not in (BEFORE, AFTER):
            raise ScriptRefused("INVALID", f"a script of the server is put {BEFORE} or {AFTER} those of accounts")
        return place
    if place not in ("", ACTIVE):
        raise ScriptRefused("INVALID", f"an account has no place {place!r} for scripts, only {ACTIVE!r}")
    return ACTIVE


def put(
    owned: OwnedScripts, name: str, compiled: CompiledSource, bounds: ScriptBounds, place: str, reverted_to: str = ""
) -> list[Event]:
    """Store a script, and put it in a place unless `place` is empty. What is there already is no event.

    Raises ScriptRefused.
    """
    events: list[Event] = []
    if owned.named is None or owned.named.digest != compiled.digest:
        if owned.named is None and owned.scripts >= bounds.scripts:
            raise ScriptRefused("MAXSCRIPTS", f"there are {owned.scripts} scripts already, and no more can be stored")
        events.append(ScriptPut(owned.owner, name, compiled.text, compiled.digest, compiled.requires, reverted_to))
    if place and owned.places.get(place) != name:
        events.append(ScriptActivated(owned.owner, place, name))
    _check_day(owned, len(events), compiled.size, bounds)
    return events


def activate(owned: OwnedScripts, name: str, place: str, bounds: ScriptBounds) -> list[Event]:
    """Put a script in a place, or empty the place when there is no name. Raises ScriptRefused."""
    if name:
        existing(owned, name)
    if owned.places.get(place, "") == name:
        return []
    _check_day(owned, 1, 0, bounds)
    return [ScriptActivated(owned.owner, place, name)]


def rename(owned: OwnedScripts, name: str, new_name: str, is_taken: bool, bounds: ScriptBounds) -> list[Event]:
    """Give a script another name; in a place it stays there (RFC 5804 §2.11.1). Raises ScriptRefused."""
    existing(owned, name)
    if name == new_name:
        return []
    if is_taken:
        raise ScriptRefused("ALREADYEXISTS", f"there is a script {new_name!r} already")
    _check_day(owned, 1, 0, bounds)
    return [ScriptRenamed(owned.owner, name, new_name)]


def delete(owned: OwnedScripts, name: str, bounds: ScriptBounds) -> list[Event]:
    """Delete a script that is in no place (RFC 5804 §2.10). Raises ScriptRefused."""
    existing(owned, name)
    places = [place for place, there in owned.places.items() if there == name]
    if places:
        raise ScriptRefused("ACTIVE", f"the script {name!r} is {' and '.join(places)}; it cannot be deleted")
    _check_day(owned, 1, 0, bounds)
    return [ScriptDeleted(owned.owner, name)]


def existing(owned: OwnedScripts, name: str) -> StoredScript:
    """The script of this name. Raises ScriptRefused NONEXISTENT."""
    if owned.named is None:
        raise ScriptRefused("NONEXISTENT", f"there is no script {name!r}")
    return owned.named


def _check_day(owned: OwnedScripts, changes: int, octets: int, bounds: ScriptBounds) -> None:
    """Check what is stored in a day, because every version stays in the history. Raises ScriptRefused LIMIT."""
    if not changes:
        return
    if owned.changes + changes > bounds.changes_a_day:
        text = f"scripts were changed {owned.changes} times in 24 hours, and no more than {bounds.changes_a_day} is"
        raise ScriptRefused("LIMIT", f"{text} possible; try again later")
    if owned.octets + octets > bounds.octets_a_day:
        text = f"scripts of {owned.octets} octets were stored in 24 hours, and no more than {bounds.octets_a_day} are"
        raise ScriptRefused("LIMIT", f"{text} possible; try again later")
