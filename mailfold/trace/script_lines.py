"""Lines about Sieve scripts."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import scripts


def put(event: scripts.ScriptPut, names: Names) -> Iterator[str]:
    """A script was stored."""
    needs = f", which requires {', '.join(event.requires)}" if event.requires else ""
    again = f"; it is the version of {event.reverted_to} again" if event.reverted_to else ""
    octets = len(event.source.encode())
    yield f"the script {event.name!r} of {_owner(event.owner, names)} has {octets} octets now{needs}{again}"


def renamed(event: scripts.ScriptRenamed, names: Names) -> Iterator[str]:
    """A script has another name."""
    yield f"the script {event.name!r} of {_owner(event.owner, names)} is now {event.new_name!r}"


def deleted(event: scripts.ScriptDeleted, names: Names) -> Iterator[str]:
    """A script was deleted."""
    yield f"the script {event.name!r} of {_owner(event.owner, names)} was deleted"


def activated(event: scripts.ScriptActivated, names: Names) -> Iterator[str]:
    """A place has another script, or none."""
    owner = _owner(event.owner, names)
    if event.name:
        yield f"the script {event.name!r} of {owner} is in the place {event.place!r}: it runs over mail from now on"
    else:
        yield f"no script of {owner} is in the place {event.place!r} any more"


def _owner(owner: str, names: Names) -> str:
    return "the server" if owner == scripts.SERVER else names.of(owner)
