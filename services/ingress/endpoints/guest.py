"""A client that came through a door: its connection and its conversation, from the first byte to the last."""

from __future__ import annotations

import asyncio

import structlog

from services.ingress.endpoints.connection import Connection
from services.ingress.endpoints.conversation import Conversation
from services.ingress.endpoints.door import Door
from services.ingress.endpoints.means import Means
from shared.background import spawn
from shared.ids import Kind

log = structlog.get_logger("ingress")


class SmtpClient(Connection):
    """The protocol factory's product."""

    def __init__(self, means: Means, door: Door) -> None:
        super().__init__(means.settings)
        self._means = means
        self._door = door
        self._conversation: Conversation | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._conversation is not None:
            return
        self._conversation = Conversation(self._means, self._door, self, self._means.ids.new(Kind.SESSION))
        admitted = self._door.enter(self, self._conversation.client.address)
        self._task = spawn(self._converse(self._conversation, admitted), "ingress-connection")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._door.leave(self)

    def dismiss(self) -> None:
        """End it in order."""
        if self._conversation is not None:
            self._conversation.dismiss()

    async def _converse(self, conversation: Conversation, admitted: bool) -> None:
        try:
            await conversation.run(admitted=admitted)
        except Exception as error:
            log.error("ingress.connection_fault", session=conversation.client.session, exc_info=error)
            self.abort()
        finally:
            self._door.leave(self)  # a handshake that fails never tells that the connection is lost
