"""Where a mailbox is that a command names."""

from __future__ import annotations

from typing import NamedTuple

from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb


class OwnedName(NamedTuple):
    """A mailbox by its owner, and by the name that it has there."""

    account: str
    """The account that owns the mailbox; that of the log-in unless the mailbox is shared."""
    name: str


def has_right(mailbox: pb.Mailbox, right: str) -> bool:
    """Whether the session's account has a right to a mailbox; to its own it has every right."""
    return not mailbox.rights or right in mailbox.rights
