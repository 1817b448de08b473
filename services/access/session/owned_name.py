"""Where a mailbox is that a command names."""

from __future__ import annotations

from typing import NamedTuple


class OwnedName(NamedTuple):
    """A mailbox by its owner, and by the name that it has there."""

    account: str
    """The account that owns the mailbox; that of the log-in unless the mailbox is shared."""
    name: str
