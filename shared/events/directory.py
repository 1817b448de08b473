"""Events of the directory, which hold all configuration.

Their streams are `domain:<id>`, `user:<id>`, `account:<id>`, `alias:<address>` and `settings`.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("domain.added")
class DomainAdded(Event, frozen=True):
    """A domain was added; it receives mail only with `incoming`."""

    id: str
    name: str
    incoming: bool = False


@stored("domain.changed")
class DomainChanged(Event, frozen=True):
    """Incoming mail of a domain was switched, or the domain was disabled or enabled."""

    id: str
    incoming: bool
    disabled: bool


@stored("domain.removed")
class DomainRemoved(Event, frozen=True):
    """A domain was removed."""

    id: str
    name: str


@stored("domain.aliased")
class DomainAliased(Event, frozen=True):
    """All addresses of a domain became those of another domain here; an empty `domain` ends that."""

    id: str
    domain: str
    """The id of the other domain."""


@stored("domain.value_changed")
class DomainValueChanged(Event, frozen=True):
    """A value of a domain was changed (`shared/routing/domain_values.py`); an empty value is the default."""

    id: str
    name: str
    value: str
    previous: str


@stored("user.added", secret=("password_hash",))
class UserAdded(Event, frozen=True):
    """A user was added, with the argon2id hash of the password."""

    id: str
    name: str
    password_hash: str


@stored("user.password_changed", secret=("password_hash",))
class UserPasswordChanged(Event, frozen=True):
    """A user has a new password."""

    id: str
    password_hash: str


@stored("user.switched")
class UserSwitched(Event, frozen=True):
    """A user was disabled or enabled."""

    id: str
    disabled: bool


@stored("user.removed")
class UserRemoved(Event, frozen=True):
    """A user was removed."""

    id: str
    name: str


@stored("account.added")
class AccountAdded(Event, frozen=True):
    """An account was added: an address in a domain of ours, which owns mail."""

    id: str
    address: str
    user: str
    """The id of the user or group to whom it belongs."""
    quota_bytes: int = 0


@stored("account.changed")
class AccountChanged(Event, frozen=True):
    """An account was disabled or enabled, or its quota changed."""

    id: str
    disabled: bool
    quota_bytes: int


@stored("account.message_quota_changed")
class AccountMessageQuotaChanged(Event, frozen=True):
    """The number of messages that an account may have was changed; 0: no limit."""

    id: str
    quota_messages: int


@stored("account.removed")
class AccountRemoved(Event, frozen=True):
    """An account was removed; later mail bounces.

    A later account with the same address has a stream of its own.
    """

    id: str
    address: str


@stored("alias.added")
class AliasAdded(Event, frozen=True):
    """An alias was added: mail to its address goes to the targets."""

    address: str
    targets: tuple[str, ...]


@stored("alias.switched")
class AliasSwitched(Event, frozen=True):
    """An alias was disabled or enabled."""

    address: str
    disabled: bool


@stored("alias.targets_changed")
class AliasTargetsChanged(Event, frozen=True):
    """Mail to an alias goes to other targets."""

    address: str
    targets: tuple[str, ...]


@stored("alias.end_changed")
class AliasEndChanged(Event, frozen=True):
    """The end of a temporary alias was set, moved or taken away. An ended alias is in use again."""

    address: str
    ends_at: int
    """UTC microseconds since the epoch; 0: it does not end."""


@stored("alias.ended")
class AliasEnded(Event, frozen=True):
    """The time of a temporary alias is over: mail to it is refused, and its address stays taken."""

    address: str


@stored("alias.owners_changed")
class AliasOwnersChanged(Event, frozen=True):
    """The users who may send as an alias were named, in place of all that were named before."""

    address: str
    owners: tuple[str, ...]
    """Ids of users; none: only the user of a single target here."""


@stored("alias.removed")
class AliasRemoved(Event, frozen=True):
    """An alias was removed."""

    address: str


@stored("setting.changed")
class SettingChanged(Event, frozen=True):
    """A setting of the server was changed. For a secret the event has a hash and not the value."""

    name: str
    value: str
    previous: str


@stored("login.succeeded")
class LoginSucceeded(Event, frozen=True):
    """A user logged in. Repeats of the same user, protocol and address within the hour are counted in one event."""

    user: str
    account: str
    protocol: str
    count: int = 1


@stored("login.refused")
class LoginRefused(Event, frozen=True):
    """Log-ins were refused. Repeats are counted in one event."""

    login: str
    protocol: str
    address: str
    reason: str
    count: int = 1
