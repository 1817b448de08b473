"""Whether an address has changed hands, so that nobody inherits what its former holder was given."""

from __future__ import annotations

from services.directory.domain.names import key_of
from services.directory.projections.lists import bare_key
from shared.eventstore.connection import Reader

REMOVALS = (
    "account.removed",
    "account.application_removed",
    "account.application_renamed",
    "alias.removed",
    "list.removed",
)
"""The types of the events after which somebody else may have an address."""
_STREAMS = "SELECT stream FROM former_name WHERE kind IN ('account', 'list') AND key = ?"
_REMOVED = f"SELECT 1 FROM event WHERE stream = ? AND position > ? AND type IN ({', '.join('?' * len(REMOVALS))})"  # noqa: S608


def has_changed_hands(reader: Reader, address: str, since: int) -> bool:
    """Whether the holder of an address, or of the address without its tag, was removed after a number of the log."""
    keys = {key_of(address), bare_key(address)}
    streams = [f"alias:{key}" for key in keys]
    for key in keys:
        streams += [stream for (stream,) in reader.all(_STREAMS, (key,))]
    return any(reader.first_row(_REMOVED, (stream, since, *REMOVALS)) is not None for stream in streams)
