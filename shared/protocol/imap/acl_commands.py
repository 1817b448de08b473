"""The commands of RFC 4314. Rights are in their order, without obsolete ones."""

from shared.protocol.imap.commands import Command


class SetAcl(Command, frozen=True):
    """SETACL (§3.1). `mode` is `+`, `-`, or empty: replace."""

    mailbox: str
    identifier: str
    mode: str
    rights: str


class DeleteAcl(Command, frozen=True):
    """DELETEACL (§3.2)."""

    mailbox: str
    identifier: str


class GetAcl(Command, frozen=True):
    """GETACL (§3.3)."""

    mailbox: str


class ListRights(Command, frozen=True):
    """LISTRIGHTS (§3.4)."""

    mailbox: str
    identifier: str


class MyRights(Command, frozen=True):
    """MYRIGHTS (§3.5)."""

    mailbox: str
