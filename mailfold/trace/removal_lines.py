"""Lines about accounts that were disabled, removed or restored while they had mail."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import closing, suspended


def submission_suspended(event: suspended.SubmissionSuspended, names: Names) -> Iterator[str]:
    """A waiting mail was due, and its account was not in use."""
    yield f"it is due, but {names.of(event.account)} is disabled or archived; it waits until that changes"


def submission_resumed(event: suspended.SubmissionResumed, names: Names) -> Iterator[str]:
    """The account is in use again."""
    yield f"{names.of(event.account)} is in use again: it is released at its time"


def closed(event: closing.AccountClosed, names: Names) -> Iterator[str]:
    """The directory removed the account."""
    yield f"{names.of(event.account)} was removed: its mail {'is erased' if event.erase else 'is kept as an archive'}"


def reopened(event: closing.AccountReopened, names: Names) -> Iterator[str]:
    """The directory restored the account."""
    yield f"{names.of(event.account)} was restored with its mail"


def erased(event: closing.AccountErased, _names: Names) -> Iterator[str]:
    """The mail of the account was erased."""
    yield f"the mail of {event.account} was erased"
