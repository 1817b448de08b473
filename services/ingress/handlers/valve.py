"""How much of the mail that waits for workers may lie on the bus.

A worker that is away for days must not fill the stream that the others use too. What is not published now stays in the
store and has its turn later.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.bus.bus import Bus
from shared.bus.subjects import CLASSIFIED, RECEIVED, SUBMITTED, WorkSubject

MOST_WAITING = 20_000
"""Messages of a kind: some 60 MB and less than a minute of work."""
_FULLEST = {RECEIVED.type: 0.5, SUBMITTED.type: 0.8}
"""Shares of the stream that mail of a kind may fill: what users send has room beside what comes from outside."""
_STEPS: Mapping[str, tuple[WorkSubject, ...]] = {RECEIVED.type: (RECEIVED, CLASSIFIED), SUBMITTED.type: (SUBMITTED,)}
"""The messages that a kind of mail is on its way as."""


class Valve:
    """Open for each kind of mail until `look` finds too much of it."""

    def __init__(self, bus: Bus, most: int | None = None) -> None:
        self._bus = bus
        self._most = most or MOST_WAITING
        self._closed: frozenset[str] = frozenset()

    def is_open(self, event: WorkSubject) -> bool:
        """Whether mail of this kind may be published."""
        return event.type not in self._closed

    async def look(self) -> None:
        """Ask the bus. While it does not answer, publishes wait for it by themselves."""
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
        """Nothing much waits."""
        self._closed = frozenset()
