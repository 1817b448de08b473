"""The result of resolving an address."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ResolutionKind(StrEnum):
    """Whether an address may receive mail here."""

    UNKNOWN = "unknown"
    """The domain receives mail here, but has no such address."""
    ACCOUNTS = "accounts"
    """Mail is delivered to accounts here, or by an alias also to other servers."""
    REMOTE = "remote"
    """The domain is not ours."""
    DISABLED = "disabled"
    """The address is ours, but disabled."""
    OUTGOING_ONLY = "outgoing-only"
    """The domain is ours, but does not receive mail."""


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """A final target: an account or a mailing list here, or an address at another server."""

    address: str
    account: str = ""
    quota_bytes: int = 0
    list_id: str = ""
    """The mailing list that gets it as a post, or as what its service address is for."""
    member: str = ""
    """The id of the member of the list from whom the mail has come back."""
    quota_messages: int = 0

    @property
    def is_remote(self) -> bool:
        """Whether the mail leaves this server."""
        return not self.account and not self.list_id


class Resolution(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where mail to an address goes, and how that was found."""

    kind: ResolutionKind
    targets: tuple[Target, ...] = ()
    via: str = ""
    """The alias that was resolved, if any."""
    detail: str = ""
    """The sub-address tag (`name+tag@domain`)."""

    @property
    def account(self) -> str:
        """The id of the account that has the address itself, or of which it is a sub-address; empty for an alias."""
        return self.targets[0].account if self.targets and not self.via else ""
