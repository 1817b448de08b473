"""Decides which mechanisms services announce, and tells them with an event when that changes.

SCRAM is offered while everybody who may log in has keys for every password: a client that chooses it and fails does
not fall back to PLAIN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from services.directory.handlers import scram_rows
from services.directory.handlers.commands import append
from shared.background import spawn
from shared.events.verifiers import MechanismsOffered
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.protocol.sasl.exchange import SCRAM

log = structlog.get_logger("directory")
_AREAS = ("user.", "account.", "group.", "scram.")
"""The areas of events after which the offer may be another one."""
_UPKEEP = Provenance(Actor("system", id="mechanisms"))


class MechanismOffer:
    """The offer. It is decided at the start, and again after a commit that may change it."""

    def __init__(
        self, store: EventStore, *, scram: bool, has_scram_secret: Callable[[], bool], others: Sequence[str]
    ) -> None:
        """`others` are the mechanisms that the settings alone decide."""
        self._store = store
        self._scram = scram
        self._has_scram_secret = has_scram_secret
        self._others = tuple(others)
        self._is_running = self._is_due = False

    async def start(self) -> None:
        """Decide. Raises StoreUnavailable."""
        await self._decide()

    def committed(self, recorded: list[Recorded]) -> None:
        """Decide again soon, when a commit may have changed the offer."""
        if any(
            entry.event.stored_name.startswith(_AREAS) and not isinstance(entry.event, MechanismsOffered)
            for entry in recorded
        ):
            self._is_due = True
            if not self._is_running:
                self._is_running = True
                spawn(self._run(), "offer-mechanisms")

    async def _run(self) -> None:
        try:
            while self._is_due:
                self._is_due = False
                await self._decide()
        except StoreUnavailable as error:  # the next commit decides again
            log.warning("directory.offer_not_decided", error=str(error))
        finally:
            self._is_running = False

    async def _decide(self) -> None:
        names, present = await self._store.read(lambda reader: (self._names(reader), scram_rows.offered(reader)))
        if names != present:
            await self._store.write(self._announce)

    def _announce(self, tx: Transaction) -> None:
        names = self._names(tx)
        if names != scram_rows.offered(tx):
            append(tx, "mechanisms", [MechanismsOffered(names)], _UPKEEP)

    def _names(self, reader: Reader) -> tuple[str, ...]:
        is_whole = self._scram and self._has_scram_secret() and not scram_rows.lacks_keys(reader)
        return tuple(sorted([*self._others, *([SCRAM] if is_whole else [])]))
