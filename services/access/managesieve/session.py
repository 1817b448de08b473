"""One ManageSieve session."""

from __future__ import annotations

import ssl

from services.access.session.account_session import AccountSession
from services.access.session.backend import ManageSieveDependencies
from services.access.session.channel import SessionChannel, SessionEnded, Silence, within
from shared.network.wire import Wire
from shared.protocol.managesieve.frame_event import (
    UNAUTHENTICATED,
    ManageSieveEvent,
    ManageSieveLimits,
    ReceivedCommand,
)
from shared.protocol.managesieve.framing import ManageSieveFramer


class ManageSieveChannel(SessionChannel[ManageSieveEvent]):
    """The input and output of a ManageSieve session."""

    framer: ManageSieveFramer

    def _size(self, event: ManageSieveEvent) -> int:
        if not isinstance(event, ReceivedCommand):
            return 0
        return sum(len(argument) for argument in event.arguments if isinstance(argument, bytes))


class ManageSieveSession(AccountSession):
    """The state of a session between commands."""

    def __init__(self, dependencies: ManageSieveDependencies, wire: Wire, tls: ssl.SSLContext) -> None:
        self.dependencies = dependencies
        turns = dependencies.log_ins.turns
        self.channel = ManageSieveChannel(wire, ManageSieveFramer(), self._time_for_log_in(), turns)
        super().__init__(dependencies.log_ins, self.channel, wire.peer)
        self._wire = wire
        self._tls = tls
        self.is_secure = False
        """Whether TLS is active."""
        self.owner = ""
        """The address of the account; empty before the log-in."""

    def admitted(self, owner: str) -> None:
        """Use the limits of a client that has logged in."""
        self.owner = owner
        self.channel.prove()
        octets, idle_timeout = self.dependencies.sieve.script_octets, self.dependencies.limits.idle_timeout
        self.channel.framer.limits = ManageSieveLimits(literal=octets, swallow=max(4 * octets, UNAUTHENTICATED.swallow))
        self.channel.silence = lambda: idle_timeout

    def forget_log_in(self) -> None:
        """Use the limits of a client that has not logged in."""
        self.owner = ""
        self.channel.framer.limits = UNAUTHENTICATED
        self.channel.silence = self._time_for_log_in()

    def drop_input(self) -> bool:
        """Drop what was received after the present command; returns whether there was anything."""
        return bool(self._wire.take() + self.channel.framer.take_rest())

    async def begin_tls(self) -> None:
        """Do the handshake. What the client said before it is forgotten (RFC 5804 §2.2). Raises SessionEnded."""
        await self.channel.flush()
        if await self._wire.start_tls(self._tls, self.dependencies.log_ins.settings.handshake_timeout) is None:
            raise SessionEnded
        self.channel.framer = ManageSieveFramer()
        self.is_secure = True

    def _time_for_log_in(self) -> Silence:
        return within(self.dependencies.log_ins.clock, self.dependencies.log_ins.settings.login_timeout)
