"""One POP3 connection, from the greeting to QUIT."""

from __future__ import annotations

import ssl

from services.access.endpoints.served_connection import ServedConnection
from services.access.pop3.dependencies import PopDependencies
from services.access.pop3.dispatch import dispatch
from services.access.pop3.session import PopSession
from shared.network.wire import Wire
from shared.protocol.pop3 import response


class PopConnection(ServedConnection):
    """Runs a POP3 session over a wire."""

    def __init__(self, dependencies: PopDependencies, wire: Wire, tls: ssl.SSLContext | None) -> None:
        """`tls` is for STLS; None on the port that begins with TLS."""
        self._session = PopSession(dependencies, wire, tls)
        self._host = dependencies.log_ins.host
        super().__init__(wire, self._session.channel, self._session)

    async def _converse(self) -> None:
        channel = self._session.channel
        channel.write(response.ok(f"{self._host} Mailfold POP3 ready"))
        while True:
            await dispatch(self._session, await channel.event())

    def _bye(self, text: str) -> bytes:
        """A client reads a last line only in place of the greeting: later it would take it for an answer."""
        return response.error(text, "SYS/TEMP") if self._wire.slot.refusal is not None else b""
