"""The state that decisions of the directory need, and the refusal of a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Reason = Literal["missing", "taken", "invalid", "not-empty"]


class DirectoryRefused(Exception):
    """A command on the directory cannot be carried out. The text is for people and says what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


class DomainState(msgspec.Struct, frozen=True):
    """A domain of ours."""

    id: str
    name: str
    incoming: bool
    disabled: bool
    accounts: int
    aliases: int
    alias_of: str = ""
    """The id of the domain whose addresses are its own."""
    alias_of_name: str = ""
    domain_aliases: tuple[str, ...] = ()
    """The names of the domains that are aliases of this one."""
    values: Mapping[str, str] = {}
    applications: int = 0


class UserState(msgspec.Struct, frozen=True):
    """A user."""

    id: str
    name: str
    password_hash: str
    disabled: bool
    accounts: tuple[str, ...]
    """The addresses of the user's accounts."""
    display_name: str = ""
    language: str = ""
    """A language tag (RFC 5646)."""
    time_zone: str = ""
    """A name of the IANA time zone database."""
    groups: tuple[str, ...] = ()
    """The names of the groups with this user."""


class AccountState(msgspec.Struct, frozen=True):
    """An account."""

    id: str
    address: str
    user: str
    """The id of the user or group that owns it."""
    user_name: str
    quota_bytes: int
    disabled: bool
    quota_messages: int = 0
    """The number of messages that it may have; 0: no limit."""
    group_name: str = ""
    """The name of the group that owns it."""
    max_message_size: int = 0
    """Octets of the largest message to or from it; 0: only the limits of its domain and of the server count."""


class GivenLimits(msgspec.Struct, frozen=True):
    """What an account may hold; 0: no limit; None: not given."""

    octets: int | None = None
    messages: int | None = None
    message_size: int | None = None
    """Octets of the largest message."""

    def or_else(self, other: GivenLimits) -> GivenLimits:
        """These limits, and the other ones where they are not given."""
        octets = other.octets if self.octets is None else self.octets
        messages = other.messages if self.messages is None else self.messages
        return GivenLimits(octets, messages, other.message_size if self.message_size is None else self.message_size)


class AliasState(msgspec.Struct, frozen=True):
    """An alias: for one address, or for all that its wildcards stand for."""

    address: str
    targets: tuple[str, ...]
    disabled: bool
    ends_at: int = 0
    """UTC microseconds since the epoch; 0: it does not end."""
    ended: bool = False
    owners: tuple[str, ...] = ()
    """The ids of the users who may send as it."""
    owner_names: tuple[str, ...] = ()
    shown_targets: tuple[str, ...] = ()
    """The targets with the names of groups in place of their ids."""
