"""Ends sessions whose log-in the directory has revoked.

It follows the directory's events, so a lost doorbell only delays it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from services.access.session.channel import SessionChannel
from shared.bus.bus import Bus
from shared.events.verifiers import MechanismsOffered
from shared.eventstore.event import UnknownEvent
from shared.eventstore.log_reading import NOWHERE
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.ids import SHARDS
from shared.owner.follower import Follower, Places
from shared.owner.log_ins import LogInQuestions
from shared.owner.source import RemoteSource, from_wire
from shared.routing.log_ins import EndedLogIns, Ending, LogIn
from shared.rpc.mailfold.events.v1 import events_pb2

log = structlog.get_logger("access")
_AREAS = ("domain.", "account.", "user.", "group.")
"""The areas of events that may end a log-in."""


class LoginWatch:
    """The log-ins of all open sessions in this process."""

    def __init__(self, directory: Channel, bus: Bus, compare_seconds: float) -> None:
        self._source = RemoteSource(directory)
        self._questions = LogInQuestions(directory)
        self.mechanisms: tuple[str, ...] = ()
        """The mechanisms that the directory offers besides those in which a password is sent."""
        self._ended = EndedLogIns()
        self._open: dict[SessionChannel[Any], LogIn] = {}
        self._follower = Follower(
            "access",
            self._source,
            bus,
            "directory",
            self._follow,
            areas=_AREAS,
            rewind=self._end_all,
            compare_seconds=compare_seconds,
        )

    async def start(self) -> None:
        """Begin to follow at the present head; nobody is logged in yet, so earlier events do not matter."""
        await self._follower.start(await self._heads())

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()

    async def lag(self) -> int:
        """The number of events of the directory that are not followed yet; -1 when the directory does not answer."""
        return await self._follower.known_lag()

    def enter(self, channel: SessionChannel[Any], log_in: LogIn) -> None:
        """Register a session after its log-in. If the log-in was revoked meanwhile, the session ends at once."""
        self._open[channel] = log_in
        self._look_at(channel, log_in)

    def leave(self, channel: SessionChannel[Any]) -> None:
        """Remove a session that has ended."""
        self._open.pop(channel, None)

    async def _end_all(self, _agreed: Places) -> Places:
        """End all sessions after the directory was restored from a backup.

        Only the directory knows which log-ins are still valid, and the positions of its new events cannot be compared.
        """
        self._ended = EndedLogIns()
        for channel, log_in in tuple(self._open.items()):
            log.info("access.log_in_ended", account=log_in.account, reason=Ending.UNKNOWN.name)
            channel.expel(Ending.UNKNOWN)
        return dict.fromkeys(range(SHARDS), NOWHERE) | await self._heads_of_directory()

    async def _heads(self) -> Places:
        try:
            return await self._heads_of_directory()
        except ServiceError:  # the directory starts later; then everything is followed, which is only more work
            return {}

    async def _heads_of_directory(self) -> Places:
        """The present heads, and what is offered there or later. Raises ServiceError."""
        heads = await self._source.heads()
        self.mechanisms = await self._questions.offered()
        return heads

    async def _follow(self, events: Sequence[events_pb2.Event], _after: Places) -> None:
        ended = [event for event in events if self._apply(event)]
        if ended:
            for channel, log_in in tuple(self._open.items()):
                self._look_at(channel, log_in)

    def _apply(self, event: events_pb2.Event) -> bool:
        try:
            known = from_wire(event).event
            if isinstance(known, MechanismsOffered):
                self.mechanisms = known.names
            return self._ended.apply(known, event.position)
        except UnknownEvent:  # a later release's event: the directory itself refuses log-ins according to it
            return False

    def _look_at(self, channel: SessionChannel[Any], log_in: LogIn) -> None:
        ending = self._ended.ending_of(log_in)
        if ending is not None:
            log.info("access.log_in_ended", account=log_in.account, reason=ending.name)
            channel.expel(ending)
