"""Events of the directory about removed accounts, in the stream `account:<id>`.

An account that is archived or deleted has `account.removed` first, so that whoever knows that event alone treats the
address as removed. Its mail belongs to the id of the account, and is in the mailstore.
"""

from __future__ import annotations

from typing import Any

from shared.eventstore.event import Event, stored, upcast


@stored("account.archived", 2)
class AccountArchived(Event, frozen=True):
    """The mail of a removed account is kept as an archive, which can be restored."""

    id: str
    address: str
    user: str
    """The id of the user who owned it."""
    quota_bytes: int
    archived_at: int
    """UTC microseconds since the epoch."""
    reserved_until: int
    """Until then (UTC microseconds) nobody else gets the address; 0: it is free at once."""
    quota_messages: int = 0
    max_message_size: int = 0


@upcast("account.archived", 1)
def _without_further_limits(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 kept neither the number of messages nor the size limit of the account."""
    return data


@stored("account.address_released")
class AddressReleased(Event, frozen=True):
    """The address of an archive is free again; the archive stays."""

    id: str


@stored("account.restored")
class AccountRestored(Event, frozen=True):
    """An archive is an account again. `account.added` with the same id follows, and so its mail is there again."""

    id: str
    address: str


@stored("account.archive_opened")
class ArchiveOpened(Event, frozen=True):
    """An operator read the mail of an archive."""

    id: str
    purpose: str
    """`show`, `search` or `export`."""


@stored("account.deleted")
class AccountDeleted(Event, frozen=True):
    """A removed account or an archive was deleted for good: the mailstore erases its mail."""

    id: str
