"""Records every 4xx and 5xx as an event, soon after the reply: grouped by session, and limited under attack."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.ingress.settings import IngressSettings
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.events.mail import Client, MailRefused, Refusal
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.network.address import network_of

log = structlog.get_logger("ingress")
_FLUSH_SECONDS = 1.0
_PATIENCE = 60.0
_MINUTE = 60.0
_NETWORKS = 10_000
_PROVENANCE = Provenance(Actor("service", "ingress"))
NOBODY = Client("")
"""The address under which refusals are recorded that were only counted, because there were too many."""


@dataclass(slots=True)
class _Session:
    """The refusals of one session since the last write."""

    client: Client
    refusals: list[Refusal] = field(default_factory=list)
    more: int = 0


class Refusals:
    """Collects refusals in memory and writes them about once a second.

    A crash may lose the last second; that affects records, never mail.
    """

    def __init__(self, store: EventStore, clock: Clock, settings: IngressSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._sessions: dict[str, _Session] = {}
        self._waiting = 0
        self._minute = -1
        self._by_network: dict[str, int] = {}
        self._task = BackgroundTask("ingress", "refusals", every(_FLUSH_SECONDS, self.flush), longest=_PATIENCE)
        self.count = 0
        """Number of refusals since the start."""

    def add(self, session: str, client: Client, refusal: Refusal) -> None:
        """Note a refusal, without waiting."""
        self.count += 1
        if self._has_room(client.address):
            self._waiting += 1
            self._of(session, client).refusals.append(refusal)
        elif session in self._sessions:
            self._sessions[session].more += 1
        else:
            self._of("", NOBODY).more += 1

    async def start(self) -> None:
        """Begin to write."""
        self._task.start()

    async def stop(self) -> None:
        """Write the remaining refusals and stop."""
        await self._task.stop()
        await self.flush()

    async def flush(self) -> None:
        """Write the collected refusals; when the store is unavailable they are dropped and that is logged."""
        sessions, self._sessions, self._waiting = self._sessions, {}, 0
        events = [
            MailRefused(session, refused.client, tuple(refused.refusals), refused.more)
            for session, refused in sessions.items()
        ]
        try:
            if events:
                await self._write(events)
        except StoreUnavailable as error:
            log.warning("ingress.refusals_lost", events=len(events), error=str(error))

    async def _write(self, events: Sequence[MailRefused]) -> None:
        stream = f"refusals:{day_of(self._clock.now())}"
        await self._store.write(lambda transaction: transaction.append(stream, events, _PROVENANCE))

    def _of(self, session: str, client: Client) -> _Session:
        if session not in self._sessions:
            self._sessions[session] = _Session(client)
        return self._sessions[session]

    def _has_room(self, address: str) -> bool:
        """Whether another refusal of the client's network may be recorded in detail this minute."""
        network = network_of(address)
        minute = int(self._clock.monotonic() / _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._by_network.clear()
        if self._waiting >= self._settings.refusals_waiting or (
            network not in self._by_network and len(self._by_network) >= _NETWORKS
        ):
            return False
        self._by_network[network] = count = self._by_network.get(network, 0) + 1
        return count <= self._settings.refusals_detailed


def day_of(microseconds: int) -> str:
    """The UTC day of a moment, `2026-11-23`."""
    return datetime.datetime.fromtimestamp(microseconds / 1_000_000, datetime.UTC).strftime("%Y-%m-%d")
