"""Events of the directory: configuration as history. Streams: `domain:<id>`, `user:<id>`, `account:<id>`,
`alias:<address>`, `settings`.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("domain.added")
class DomainAdded(Event, frozen=True):
    """A domain is ours; it starts outgoing only unless `incoming`."""

    id: str
    name: str
    incoming: bool = False


@stored("domain.changed")
class DomainChanged(Event, frozen=True):
    """Incoming mail was switched, or the domain disabled or enabled."""

    id: str
    incoming: bool
    disabled: bool


@stored("domain.removed")
class DomainRemoved(Event, frozen=True):
    """The domain is no longer ours."""

    id: str
    name: str


@stored("user.added", secret=("password_hash",))
class UserAdded(Event, frozen=True):
    """A person, with the argon2id hash of their password."""

    id: str
    name: str
    password_hash: str


@stored("user.password_changed", secret=("password_hash",))
class UserPasswordChanged(Event, frozen=True):
    """The person has a new password."""

    id: str
    password_hash: str


@stored("user.switched")
class UserSwitched(Event, frozen=True):
    """The person was disabled or enabled."""

    id: str
    disabled: bool


@stored("user.removed")
class UserRemoved(Event, frozen=True):
    """The person is gone."""

    id: str
    name: str


@stored("account.added")
class AccountAdded(Event, frozen=True):
    """What owns mail: an address in a domain of ours, belonging to a user."""

    id: str
    address: str
    user: str
    quota_bytes: int = 0


@stored("account.changed")
class AccountChanged(Event, frozen=True):
    """The account was disabled or enabled, or its quota set."""

    id: str
    disabled: bool
    quota_bytes: int


@stored("account.removed")
class AccountRemoved(Event, frozen=True):
    """The account is gone; later mail bounces. A later account of the same address does not inherit its stream."""

    id: str
    address: str


@stored("alias.added")
class AliasAdded(Event, frozen=True):
    """Mail to this address reaches the targets."""

    address: str
    targets: tuple[str, ...]


@stored("alias.switched")
class AliasSwitched(Event, frozen=True):
    """The alias was disabled or enabled."""

    address: str
    disabled: bool


@stored("alias.removed")
class AliasRemoved(Event, frozen=True):
    """The alias is gone."""

    address: str


@stored("setting.changed")
class SettingChanged(Event, frozen=True):
    """A setting of the server was changed; a secret's value is not in the event."""

    name: str
    value: str
    previous: str


@stored("login.succeeded")
class LoginSucceeded(Event, frozen=True):
    """A user logged in; repeats of the same user, protocol and address within the hour are folded."""

    user: str
    account: str
    protocol: str
    count: int = 1


@stored("login.refused")
class LoginRefused(Event, frozen=True):
    """Log-ins were refused; repeats are folded and counted."""

    login: str
    protocol: str
    address: str
    reason: str
    count: int = 1
