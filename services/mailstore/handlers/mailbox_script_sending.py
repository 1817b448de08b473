"""Lets delivery send what scripts of mailboxes redirect and notify (RFC 6785 §3.4, §3.8)."""

from __future__ import annotations

import msgspec

from services.mailstore.domain.mailbox_scripts import MessageDecision, Sending, kept_after_all
from services.mailstore.handlers.script_messages import StoredMessage
from shared.grpc.channel import Channel
from shared.grpc.errors import Conflict, InternalError, ServiceError, TimedOut, Unauthenticated, Unavailable
from shared.rpc.mailfold.delivery.v1.scriptsending_pb2 import SendForScriptRequest
from shared.rpc.mailfold.delivery.v1.scriptsending_pb2_grpc import ScriptSendingStub

_AGAIN = (Unavailable, TimedOut, Conflict, Unauthenticated, InternalError)
"""What is no decision of delivery: the credentials of two processes differ while one of them is started again."""


class MailboxScriptSending:
    """Sends once for each message and action of an event, however often it is asked to."""

    def __init__(self, delivery: Channel) -> None:
        self._stub = ScriptSendingStub(delivery)

    async def sent(self, account: str, due: int, message: StoredMessage, decision: MessageDecision) -> MessageDecision:
        """Send what a decision sends; returns the decision as it is after refusals.

        Raises ServiceError when delivery cannot do it now.
        """
        for index, action in enumerate(decision.sends):
            refusals = await self._send(account, f"imap/{due}/{message.uid}/{index}", message, action)
            if refusals:
                decision = kept_after_all(decision, "; ".join(refusals))
        return decision

    async def _send(self, account: str, key: str, message: StoredMessage, action: Sending) -> list[str]:
        request = SendForScriptRequest(
            account=account, key=key, blob=message.blob, prefix=message.prefix, action=msgspec.json.encode(action)
        )
        try:
            return list((await self._stub.SendForScript(request)).refusals)
        except _AGAIN:
            raise
        except ServiceError as refused:
            return [refused.message]
