"""The order in which the services erase an account, and the addresses that it had."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.events.archives import AccountArchived, AccountDeleted, AddressReleased
from shared.events.directory import AccountAdded, AccountRemoved
from shared.eventstore.event import Recorded

SETTLE, COLLECT, ERASE = "settle", "collect", "erase"


class ErasureStep(msgspec.Struct, frozen=True):
    """A step of an erasure: what one service does."""

    service: str
    name: str


STEPS = (
    ErasureStep("ingress", SETTLE),
    ErasureStep("delivery", COLLECT),
    ErasureStep("ingress", COLLECT),
    ErasureStep("mailstore", ERASE),
    ErasureStep("ingress", ERASE),
    ErasureStep("delivery", ERASE),
    ErasureStep("outbound", ERASE),
    ErasureStep("classifier", ERASE),
    ErasureStep("indexer", ERASE),
    ErasureStep("eventlog", ERASE),
    ErasureStep("directory", ERASE),
)
"""The order matters. The ingress waits until the mail that came before the deletion is settled, so delivery knows whose
it is. Then the ingress, which knows who submitted a mail, has the last word on it. Delivery forgets what was done for a
mail after the ingress, which would repeat it. The event log copies the events of all others, so it follows them; the
directory knows the addresses, so it is the last."""


class HeldAddress(msgspec.Struct, frozen=True):
    """An address while it belonged to an account. What is recorded of it at other times belongs to somebody else."""

    address: str
    since: int
    """UTC microseconds since the epoch, inclusive like `until`."""
    until: int


def present_step(done: int) -> ErasureStep | None:
    """The step after so many; None after the last."""
    return STEPS[done] if done < len(STEPS) else None


def services_done(done: int) -> tuple[str, ...]:
    """The services that have erased their part."""
    return tuple(step.service for step in STEPS[:done] if step.name == ERASE)


def held_addresses(history: Iterable[Recorded]) -> list[HeldAddress]:
    """The addresses of an account with the times in which nobody else had them.

    The address of an archive stays reserved until it is released or the archive is deleted.
    """
    held: list[HeldAddress] = []
    address, since, until = "", 0, 0
    for recorded in history:
        match recorded.event:
            case AccountAdded(address=given):
                if address:
                    held.append(HeldAddress(address, since, until or recorded.at))
                address, since, until = given, recorded.at, 0
            case AccountRemoved():
                until = recorded.at
            case AccountArchived(reserved_until=reserved):
                until = 0 if reserved else recorded.at
            case AddressReleased() | AccountDeleted():
                until = until or recorded.at
            case _:
                pass
    return [*held, HeldAddress(address, since, until)] if address else held
