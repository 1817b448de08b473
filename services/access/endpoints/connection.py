"""One IMAP connection, from the greeting to BYE."""

from __future__ import annotations

import ssl

from services.access.commands.connection import offered
from services.access.commands.dispatch import dispatch
from services.access.commands.notify import next_frame
from services.access.endpoints.served_connection import ServedConnection
from services.access.session.backend import ImapDependencies
from services.access.session.channel import ImapChannel, within
from services.access.session.session import ImapSession
from shared.network.wire import Wire
from shared.protocol.imap import response
from shared.protocol.imap.framing import CommandFramer
from shared.protocol.imap.response_code import capability_code


class ImapConnection(ServedConnection):
    """Runs an IMAP session over a wire."""

    def __init__(self, backend: ImapDependencies, wire: Wire, tls: ssl.SSLContext | None = None) -> None:
        """`tls` is for STARTTLS; None when the connection has begun with TLS."""
        self._backend = backend
        silence = within(backend.clock, backend.settings.login_timeout)
        self._channel = ImapChannel(wire, CommandFramer(), silence, backend.turns)
        self._session = ImapSession(backend, self._channel, wire.peer, tls)
        super().__init__(wire, self._channel, self._session)

    async def _converse(self) -> None:
        session = self._session
        greeting = response.ok(
            response.UNTAGGED, f"{self._backend.log_ins.host} Mailfold ready", capability_code(offered(session))
        )
        self._channel.write(greeting)
        while True:
            await dispatch(session, await next_frame(session))

    def _bye(self, text: str) -> bytes:
        return response.bye(text)  # RFC 3501 §7.1.5
