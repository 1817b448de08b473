"""Events of Sieve scripts, in the stream of the account that owns them, or of the server's own (`SERVER`).

The names of scripts are data: any text up to 128 characters. A script is stored only when it can be compiled.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored

SERVER = "server"
"""The owner of the scripts that run before and after those of accounts, and of those that every script may include."""
ACTIVE, BEFORE, AFTER = "active", "before", "after"
"""Places of scripts: accounts have ACTIVE, the server has BEFORE and AFTER."""


@stored("script.put")
class ScriptPut(Event, frozen=True):
    """A script was stored under a name, new or in the place of the earlier one of this name."""

    owner: str
    name: str
    source: str
    digest: str
    """The BLAKE2b-256 of the source in hex."""
    requires: tuple[str, ...] = ()
    """The extensions that the script requires."""
    reverted_to: str = ""
    """The id of the event whose version of the script this is again."""


@stored("script.renamed")
class ScriptRenamed(Event, frozen=True):
    """A script has another name; in a place it stays there (RFC 5804 §2.11.1)."""

    owner: str
    name: str
    new_name: str


@stored("script.deleted")
class ScriptDeleted(Event, frozen=True):
    """A script was deleted; it was in no place (RFC 5804 §2.10)."""

    owner: str
    name: str


@stored("script.activated")
class ScriptActivated(Event, frozen=True):
    """A place has another script, or none (RFC 5804 §2.8)."""

    owner: str
    place: str
    name: str
    """Empty: none."""
