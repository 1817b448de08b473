"""One connection of an SMTP client: its transport and its conversation, from the first byte to the last."""

from __future__ import annotations

import asyncio

import structlog

from services.ingress.endpoints.connection import Connection
from services.ingress.endpoints.conversation import Conversation
from services.ingress.endpoints.means import Means
from shared.background import spawn
from shared.network.slot import Slot
from shared.protocol.smtp.config import SessionConfig

log = structlog.get_logger("ingress")


class SmtpClient(Connection):
    """The protocol of a connection, and the occupant of its slot."""

    def __init__(self, means: Means, listener: str, config: SessionConfig, slot: Slot) -> None:
        super().__init__(means.settings, slot)
        self._means = means
        self._listener = listener
        self._config = config
        self._conversation: Conversation | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._conversation is not None:
            return
        self._slot.occupant = self
        self._conversation = Conversation(self._means, self._listener, self._config, self)
        self._task = spawn(self._converse(self._conversation), "ingress-connection")

    def dismiss(self) -> None:
        """End it in order."""
        if self._conversation is not None:
            self._conversation.dismiss()

    async def _converse(self, conversation: Conversation) -> None:
        try:
            await conversation.run(admitted=self._slot.refusal is None)
        except Exception as error:
            log.error("ingress.connection_fault", session=conversation.client.session, exc_info=error)
            self.abort()
