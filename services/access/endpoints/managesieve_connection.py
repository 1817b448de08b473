"""One ManageSieve connection, from the greeting to BYE."""

from __future__ import annotations

import ssl

from services.access.endpoints.served_connection import ServedConnection
from services.access.managesieve.capabilities import offered
from services.access.managesieve.dispatch import dispatch
from services.access.managesieve.session import ManageSieveSession
from services.access.session.backend import ManageSieveDependencies
from shared.network.wire import Wire
from shared.protocol.managesieve import response


class ManageSieveConnection(ServedConnection):
    """Runs a ManageSieve session over a wire."""

    def __init__(self, dependencies: ManageSieveDependencies, wire: Wire, tls: ssl.SSLContext) -> None:
        self._session = ManageSieveSession(dependencies, wire, tls)
        self._host = dependencies.log_ins.host
        super().__init__(wire, self._session.channel, self._session)

    async def _converse(self) -> None:
        channel = self._session.channel
        channel.write(response.capabilities(offered(self._session)) + response.ok(f"{self._host} Mailfold ready"))
        while True:
            await dispatch(self._session, await channel.event())

    def _bye(self, text: str) -> bytes:
        return response.bye(text, b"TRYLATER" if self._wire.slot.refusal else b"")
