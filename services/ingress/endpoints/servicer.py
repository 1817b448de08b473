"""Serves the Ingress contract: lists receptions, holds them, and accepts notifications and test mails."""

from __future__ import annotations

import asyncio
from typing import Any

from services.ingress.endpoints.waiting import WaitingEndpoint
from services.ingress.handlers.holding import Holding
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.repeater import Repeater
from services.ingress.handlers.submitted_reports import SubmittedReports
from services.ingress.handlers.submitted_test_mails import SubmittedTestMails
from shared.events.mail import Client, MailReceived, MailSubmitted, Message, Recipient
from shared.grpc.call import current_provenance
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import IngressServicer

_MOST = 10_000
_AT_ONCE = 100


class IngressEndpoint(IngressServicer):
    """Answers other services and the operator."""

    def __init__(
        self,
        receptions: Receptions,
        repeater: Repeater,
        holding: Holding,
        reports: SubmittedReports,
        test_mails: SubmittedTestMails,
        waiting: WaitingEndpoint,
    ) -> None:
        self._receptions = receptions
        self._repeater = repeater
        self._holding = holding
        self._submitted_reports = reports
        self._test_mails = test_mails
        self._waiting = waiting

    async def ListReceptions(self, request: pb.ListReceptionsRequest, context: Any) -> pb.ReceptionList:
        receptions = pb.ReceptionList()
        for number, row in enumerate(await self._receptions.listed(min(request.limit or 100, _MOST)), 1):
            receptions.receptions.append(await self._reception(*row))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)  # a long list must not delay mail
        return receptions

    async def Hold(self, request: pb.HoldRequest, context: Any) -> pb.HoldReply:
        """Hold or resume a reception. It is idempotent; the caller is told when the mail is settled already."""
        waits = await self._holding(request.queue_id, held=request.held, reason=request.reason)
        return pb.HoldReply(settled=not waits)

    async def SubmitReport(self, request: pb.SubmitReportRequest, context: Any) -> pb.SubmitReportReply:
        """Accept a notification; it is delivered and repeated like a submitted mail."""
        repeated = await self._submitted_reports.accept(_report(request), current_provenance())
        return pb.SubmitReportReply(repeated=repeated)

    async def SubmitTest(self, request: pb.SubmitTestRequest, context: Any) -> pb.SubmitTestReply:
        """Write a test mail and accept it; it is delivered and sent like a submitted mail."""
        message = await self._test_mails.accept(request.sender, request.recipient, current_provenance())
        return pb.SubmitTestReply(queue_id=message.queue_id, message_id=message.message.message_id)

    async def ListWaiting(self, request: pb.ListWaitingRequest, context: Any) -> pb.WaitingList:
        return await self._waiting.listed(request)

    async def ReleaseWaiting(self, request: pb.ChangeWaitingRequest, context: Any) -> pb.ChangeWaitingReply:
        return await self._waiting.release(request)

    async def CancelWaiting(self, request: pb.ChangeWaitingRequest, context: Any) -> pb.ChangeWaitingReply:
        return await self._waiting.cancel(request)

    async def _reception(self, queue_id: str, at: int, state: str) -> pb.Reception:
        recorded = await self._receptions.accepted(queue_id)
        event = recorded.event if recorded else None
        sender, recipients = "", []
        if isinstance(event, MailReceived | MailSubmitted):
            sender, recipients = event.reverse_path, [recipient.address for recipient in event.recipients]
        return pb.Reception(
            queue_id=queue_id,
            at=at,
            sender=sender,
            recipients=recipients,
            state=state,
            repeats=self._repeater.repeats(queue_id),
        )


def _report(request: pb.SubmitReportRequest) -> MailSubmitted:
    """The event of a notification: a mail from the null reverse-path to the sender of another mail."""
    message = Message(
        request.blob,
        request.size,
        request.prefix,
        request.message_id,
        request.subject,
        request.author,
        eight_bit=request.eight_bit,
        smtputf8=request.smtputf8,
    )
    recipient = Recipient(request.to, notify="NEVER")  # RFC 3461 §6.2: a report about a report is never sent
    return MailSubmitted(
        request.queue_id, "", (recipient,), message, Client("", listener="report"), user="", account=""
    )
