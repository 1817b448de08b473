"""Events of the directory about blocked and allowed senders and networks, in the streams `blocking:<account id>`.

The lists of the server are in the stream `blocking:`, with an empty account.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("blocking.entries_added")
class BlockingEntriesAdded(Event, frozen=True):
    """Patterns are on a list from now on."""

    account: str
    """The id of the account for whose mail they count; empty for all mail of the server."""
    list: str
    """`block` or `allow`."""
    patterns: tuple[str, ...]
    """In canonical form: `bob@x.example`, `*@x.example`, `192.0.2.0/24`."""


@stored("blocking.entries_removed")
class BlockingEntriesRemoved(Event, frozen=True):
    """Patterns are on a list no more."""

    account: str
    list: str
    patterns: tuple[str, ...]
