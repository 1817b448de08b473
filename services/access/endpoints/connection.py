"""One IMAP connection, from the greeting to BYE."""

from __future__ import annotations

import contextlib

import structlog

from services.access.commands.connection import offered
from services.access.commands.dispatch import dispatch
from services.access.session.backend import ImapDependencies
from services.access.session.channel import ImapChannel, SessionEnded
from services.access.session.session import ImapSession
from shared.network.wire import Wire
from shared.protocol.imap import response
from shared.protocol.imap.framing import CommandFramer
from shared.protocol.imap.response_code import capability_code
from shared.protocol.imap.state import ImapState

log = structlog.get_logger("access")


class ImapConnection:
    """Runs a session over a wire, in one task. It is the occupant of the wire's slot at the listener."""

    def __init__(self, backend: ImapDependencies, wire: Wire) -> None:
        self._backend = backend
        self._wire = wire
        self._channel = ImapChannel(wire, CommandFramer(), backend.settings.login_timeout, backend.turns)

    async def serve(self) -> None:
        """Serve the connection; returns when it has ended, and raises only when it is cancelled."""
        session = ImapSession(self._backend, self._channel, self._wire.peer)
        try:
            if self._wire.slot.refusal is not None:
                raise SessionEnded("Too many connections")
            await self._converse(session)
        except SessionEnded as end:
            await self._farewell(end.farewell)
        except TimeoutError:
            await self._farewell("You were silent for too long")
        except ConnectionError:
            self._wire.abort()
        except Exception as error:
            log.error("access.session_failed", session=session.id, exc_info=error)
            await self._farewell("Something is wrong in the server")
        finally:
            await session.leave()
            self._wire.close()

    def dismiss(self) -> None:
        """End the session at its next wait, after the present command."""
        self._channel.leave("The server is shutting down")

    def abort(self) -> None:
        """Close the connection at once, without BYE."""
        self._wire.abort()

    async def _converse(self, session: ImapSession) -> None:
        greeting = response.ok(
            response.UNTAGGED, f"{self._backend.host} Mailfold ready", capability_code(offered(session))
        )
        self._channel.write(greeting)
        end = self._backend.clock.monotonic() + self._backend.settings.login_timeout
        while True:
            if session.state is ImapState.NOT_AUTHENTICATED:
                self._channel.silence = max(end - self._backend.clock.monotonic(), 0.0)
            await dispatch(session, await self._channel.event())

    async def _farewell(self, text: str) -> None:
        """Send BYE, if the client is still connected (RFC 3501 §7.1.5)."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            if text:
                self._channel.write(response.bye(text))
            await self._channel.flush()
