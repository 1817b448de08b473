"""Lines about log-ins that are refused without a check."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.texts import moment
from mailfold.trace.names import Names
from shared.events import lockouts

_REASONS = {"expired": "its time was over", "new-password": "the account has a new password or was enabled"}


def started(event: lockouts.LockoutStarted, names: Names) -> Iterator[str]:
    """A lockout began."""
    yield (
        f"log-ins {_whose(event.kind, event.account, event.address, names)} are refused until {moment(event.until)}: "
        f"{event.mistakes} different wrong passwords, the last one by {event.protocol}"
    )


def ended(event: lockouts.LockoutEnded, names: Names) -> Iterator[str]:
    """A lockout ended by itself."""
    whose = _whose(event.kind, event.account, event.address, names)
    yield f"log-ins {whose} are checked again: {_REASONS.get(event.reason, event.reason)}"


def lifted(event: lockouts.LockoutLifted, names: Names) -> Iterator[str]:
    """A lockout was lifted."""
    yield f"log-ins {_whose(event.kind, event.account, event.address, names)} are checked again: the lockout was lifted"


def uncounted(event: lockouts.LockoutsUncounted, _names: Names) -> Iterator[str]:
    """More lockouts than are recorded."""
    yield f"{event.count} further lockouts began"


def network_known(event: lockouts.LoginNetworkKnown, names: Names) -> Iterator[str]:
    """An account knows a network."""
    yield f"{names.of(event.account)} was opened from {event.address}, which is known there from now on"


def _whose(kind: str, account: str, network: str, names: Names) -> str:
    if kind == "client":
        return f"from {network} to {names.of(account)}"
    if kind == "network":
        return f"from {network} to accounts that do not know it"
    return f"to {names.of(account)} from networks that are new to it"
