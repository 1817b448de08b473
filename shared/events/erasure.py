"""Events about the erasure of a deleted account, in the stream `erasure:<id>`. They hold ids only."""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("erasure.mails_noted")
class ErasureMailsNoted(Event, frozen=True):
    """A service named mails in whose records the account is. What the last one says of a mail counts."""

    account: str
    service: str
    whole: tuple[str, ...]
    """Queue ids of mails that were only the account's: all that is recorded of them is erased."""
    part: tuple[str, ...]
    """Queue ids of mails that other people have too: only the addresses of the account are erased."""


@stored("erasure.step_done")
class ErasureStepDone(Event, frozen=True):
    """A service has ended its step."""

    account: str
    service: str
    step: str
    """`settle`, `collect` or `erase`."""


@stored("erasure.completed")
class ErasureCompleted(Event, frozen=True):
    """Every service has erased what it had of the account."""

    account: str
