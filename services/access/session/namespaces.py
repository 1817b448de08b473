"""The names under which the mailboxes of others appear (RFC 2342)."""

from __future__ import annotations

from typing import NamedTuple

from shared.protocol.imap.mailbox_name import SEPARATOR


class ForeignName(NamedTuple):
    """The name of a mailbox in the other users' or in the shared namespace."""

    group: bool
    """Whether it is in the shared namespace, which has the mailboxes of groups."""
    owner: str
    """The level that stands for the owner; empty in the namespace's own name."""
    name: str
    """The name in the owner's account; empty in the owner's own level."""


class Namespaces(NamedTuple):
    """The first levels of both namespaces."""

    other_users: str
    shared: str

    def foreign(self, name: str) -> ForeignName | None:
        """The parts of a name; None for one in the personal namespace."""
        first, _, rest = name.partition(SEPARATOR)
        if first not in self:
            return None
        owner, _, inner = rest.partition(SEPARATOR)
        return ForeignName(first == self.shared, owner, inner)

    def root(self, owner: str, *, group: bool) -> str:
        """The level of an owner, above all of its mailboxes. It also names the owner's quota root."""
        return f"{self.shared if group else self.other_users}{SEPARATOR}{owner}"
