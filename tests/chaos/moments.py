"""Lets a kill happen while a sender is at a certain place: within DATA, or between the final dot and the reply."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum


class Moment(StrEnum):
    """Where a sender may be."""

    IN_DATA = "in DATA"
    AFTER_DOT = "after the dot"


class Moments:
    """The first sender that reaches the place waits until the kill has happened."""

    def __init__(self) -> None:
        self._awaited: Moment | None = None
        self._here: asyncio.Event = asyncio.Event()
        self._struck: asyncio.Event = asyncio.Event()

    async def reached(self, moment: Moment, seconds: float) -> bool:
        """Wait for a sender at that place; False when none came in time. Call `strike_done` afterwards in any case."""
        self._here.clear()
        self._struck.clear()
        self._awaited = moment
        with suppress(TimeoutError):
            await asyncio.wait_for(self._here.wait(), seconds)
        self._awaited = None
        return self._here.is_set()

    def strike_done(self) -> None:
        """Let the waiting sender continue."""
        self._awaited = None
        self._struck.set()

    async def pass_by(self, moment: Moment) -> None:
        """Called by senders at each of these places."""
        if self._awaited is moment:
            self._awaited = None
            self._here.set()
            await self._struck.wait()
