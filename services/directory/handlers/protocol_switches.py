"""Whether an account may be read with a protocol, as a log-in asks after the password."""

from __future__ import annotations

from services.directory.handlers.account_switches import POP3, chosen
from services.directory.handlers.credentials_tried import LoginAnswer
from shared.eventstore.store import EventStore

PROTOCOL_OFF = "protocol-off"
"""The reason of a refusal: the password is right, and the account may not be read with this protocol."""


class ProtocolSwitches:
    """What a log-in asks for after the password."""

    def __init__(self, store: EventStore, *, pop3: bool) -> None:
        """`pop3` is the setting of the server."""
        self._store = store
        self._pop3 = pop3

    async def judged(self, protocol: str, opened: LoginAnswer) -> LoginAnswer:
        """The answer to a log-in, or a refusal where the account may not be read with the protocol."""
        if opened.refusal or protocol != "pop3":
            return opened
        values = await self._store.read(lambda reader: POP3.values(reader, opened.account))
        return opened if chosen(*values, server=self._pop3) else LoginAnswer(PROTOCOL_OFF)
