"""Lines about the quota of an account."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import quota


def warned(event: quota.QuotaWarned, names: Names) -> Iterator[str]:
    """The account uses much of its quota."""
    yield (
        f"{names.of(event.account)} is {event.percent} % full ({event.used_bytes} octets, {event.used_messages} "
        f"messages); its owner gets the notification {event.report}"
    )


def eased(event: quota.QuotaEased, names: Names) -> Iterator[str]:
    """The account has clearly more room again."""
    still = f"; the warning at {event.percent} % is still in force" if event.percent else ""
    yield f"{names.of(event.account)} has more room again{still}"


def notified(event: quota.QuotaNotified, names: Names) -> Iterator[str]:
    """The notification was accepted."""
    if event.report:
        yield f"the notification {event.report} for {names.of(event.account)} was accepted for delivery"
    else:
        yield f"nobody was notified: the account {event.account} is gone"
