"""Events of the directory about log-ins that are refused without a check, in the stream `lockouts`.

A lockout is for a `client` (a network at one account), a `network` (at all accounts that it does not know), or an
`account` (for networks that are new to it). A network is an IPv4 address or an IPv6 /64.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("lockout.started")
class LockoutStarted(Event, frozen=True):
    """Log-ins are refused without a check from now on, because there were too many mistakes."""

    kind: str
    """`client`, `network` or `account`."""
    account: str
    """The id of the account; empty for a network."""
    address: str
    """The network; empty for an account."""
    protocol: str
    """The protocol of the last mistake; mistakes of all protocols are counted together."""
    mistakes: int
    """Different wrong secrets."""
    until: int
    """UTC microseconds since the epoch; further mistakes may make it longer."""


@stored("lockout.ended")
class LockoutEnded(Event, frozen=True):
    """A lockout ended by itself."""

    kind: str
    account: str
    address: str
    reason: str
    """`expired`, or `new-password`: also of an account that was enabled."""


@stored("lockout.lifted")
class LockoutLifted(Event, frozen=True):
    """An operator or an admin ended a lockout."""

    kind: str
    account: str
    address: str


@stored("lockout.uncounted")
class LockoutsUncounted(Event, frozen=True):
    """More lockouts began within a minute than are recorded one by one."""

    count: int


@stored("login.network_known")
class LoginNetworkKnown(Event, frozen=True):
    """Somebody logged in to an account from a network, for the first time or again after a day.

    The network is not refused there for what others do.
    """

    account: str
    address: str
    """The network."""
