"""Limits how much mail may wait on the bus for workers.

A worker that is away for days must not fill the stream that others use too. Mail that is not published now stays in the
store and is published later.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.bus.bus import Bus
from shared.bus.subjects import CLASSIFIED, RECEIVED, SUBMITTED, WorkSubject

MOST_WAITING = 20_000
"""Messages of a kind that may wait: some 60 MB, and less than a minute of work."""
_FULLEST = {RECEIVED.type: 0.5, SUBMITTED.type: 0.8}
"""The share of the stream that each kind of mail may fill, so that mail from users has room besides mail from outside.
"""
_STEPS: Mapping[str, tuple[WorkSubject, ...]] = {RECEIVED.type: (RECEIVED, CLASSIFIED), SUBMITTED.type: (SUBMITTED,)}
"""The kinds of messages that carry each kind of mail."""


class Valve:
    """Open for each kind of mail until `look` finds too much of it on the bus."""

    def __init__(self, bus: Bus, most: int | None = None) -> None:
        self._bus = bus
        self._most = most or MOST_WAITING
        self._closed: frozenset[str] = frozenset()

    def is_open(self, event: WorkSubject) -> bool:
        """Whether this kind of mail may be published."""
        return event.type not in self._closed

    async def look(self) -> None:
        """Ask the bus. While it does not answer, nothing changes, because publishes wait for it anyway."""
        backlog = await self._bus.backlog()
        if backlog is None:
            return
        self._closed = frozenset(
            kind
            for kind, steps in _STEPS.items()
            if backlog.filled >= _FULLEST[kind]
            or sum(backlog.waiting.get(step.type, 0) for step in steps) >= self._most
        )

    def open(self) -> None:
        """Open the valve, because little is waiting."""
        self._closed = frozenset()
