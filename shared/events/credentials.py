"""Events of app passwords and applications.

They are in the streams `app-password:<id>` and `account:<id>`. An application is an account without a
user, so its events are in the area of accounts, which all copies of the address book follow; the events that end an app
password are in the area of users, which all open sessions follow.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("user.app_password_added", secret=("secret_hash",))
class AppPasswordAdded(Event, frozen=True):
    """A user has a further password, for some protocols, with the keyed hash of its random part."""

    id: str
    user: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    """The protocols that it opens: of `imap`, `smtp`, `pop`, `sieve` and `api`."""
    networks: tuple[str, ...] = ()
    """The networks of the clients that may use it; none: every client."""
    expires_at: int = 0
    """UTC microseconds since the epoch; 0: it does not expire."""


@stored("user.app_password_expired")
class AppPasswordExpired(Event, frozen=True):
    """The time of an app password is over: sessions that were opened with it end."""

    id: str
    user: str


@stored("user.app_password_removed")
class AppPasswordRemoved(Event, frozen=True):
    """An app password was removed: sessions that were opened with it end."""

    id: str
    user: str
    name: str


@stored("app_password.used")
class AppPasswordUsed(Event, frozen=True):
    """An app password opened sessions. The first of equal log-ins within an hour is recorded."""

    id: str
    protocol: str
    address: str


@stored("account.application_added", secret=("secret_hash",))
class ApplicationAdded(Event, frozen=True):
    """An application was added: an address that sends with a generated password, and may be switched to receive."""

    id: str
    address: str
    secret_hash: str
    receives: bool = False
    mails_an_hour: int = 0
    """Mails that it may submit in an hour; 0: no limit."""
    quota_bytes: int = 0


@stored("account.application_renamed")
class ApplicationRenamed(Event, frozen=True):
    """An application has another address; its mail and its password stay."""

    id: str
    address: str
    previous: str


@stored("account.application_switched")
class ApplicationSwitched(Event, frozen=True):
    """An application was disabled or enabled."""

    id: str
    disabled: bool


@stored("account.application_receiving_switched")
class ApplicationReceivingSwitched(Event, frozen=True):
    """Whether an application receives mail, and reads it, was switched."""

    id: str
    receives: bool


@stored("account.application_limited")
class ApplicationLimited(Event, frozen=True):
    """The number of mails that an application may submit in an hour was changed; 0: no limit."""

    id: str
    mails_an_hour: int


@stored("account.application_password_changed", secret=("secret_hash",))
class ApplicationPasswordChanged(Event, frozen=True):
    """An application has a new generated password; sessions that were opened with the old one end."""

    id: str
    secret_hash: str


@stored("account.application_removed")
class ApplicationRemoved(Event, frozen=True):
    """An application was removed. A later holder of its address gets nothing of it."""

    id: str
    address: str
