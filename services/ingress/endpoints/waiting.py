"""The part of the Ingress contract about submissions that wait for their release."""

from __future__ import annotations

import asyncio

from services.ingress.domain.waiting_filter import MOST_IDS, WaitingSelection
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.waiting import WaitingRow, WaitingSubmissions
from services.ingress.handlers.waiting_commands import WaitingChange, WaitingCommands, Whereabouts
from services.ingress.handlers.waiting_rights import WaitingRights
from shared.events.mail import MailSubmitted
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.ingress.v1 import ingress_pb2 as pb

_LISTED, _MOST_LISTED = 100, 1_000
_RECIPIENTS = 10
"""Recipients of a mail that a list names."""
_AT_ONCE = 100
_LONGEST_TEXT = 500


class WaitingEndpoint:
    """Lists, releases and cancels waiting submissions for the operator, and for users those of their accounts."""

    def __init__(
        self, waiting: WaitingSubmissions, commands: WaitingCommands, receptions: Receptions, rights: WaitingRights
    ) -> None:
        self._waiting = waiting
        self._commands = commands
        self._receptions = receptions
        self._rights = rights

    async def listed(self, request: pb.ListWaitingRequest) -> pb.WaitingList:
        """A page of them, oldest first."""
        limit = min(request.limit or _LISTED, _MOST_LISTED)
        selection = await self._rights.within(_selection(request.filter), "ListWaiting")
        rows = await self._waiting.page(selection, request.after, limit)
        reply = pb.WaitingList(next=rows[-1].queue_id if len(rows) == limit else "")
        for number, row in enumerate(rows, 1):
            reply.submissions.append(await self._submission(row))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)  # a long list must not delay mail
        return reply

    async def release(self, request: pb.ChangeWaitingRequest) -> pb.ChangeWaitingReply:
        """Release what fits. Raises Invalid when nothing is chosen."""
        selection = await self._rights.within(_chosen(request), "ReleaseWaiting")
        return _reply(await self._commands.release(selection, current_provenance()))

    async def cancel(self, request: pb.ChangeWaitingRequest) -> pb.ChangeWaitingReply:
        """Cancel what fits. Raises Invalid when nothing is chosen."""
        reason = request.reason[:_LONGEST_TEXT]
        selection = await self._rights.within(_chosen(request), "CancelWaiting")
        return _reply(await self._commands.cancel(selection, reason, current_provenance()))

    async def _submission(self, row: WaitingRow) -> pb.WaitingSubmission:
        recorded = await self._receptions.accepted(row.queue_id)
        event = recorded.event if recorded else None
        recipients, subject = [], ""
        if isinstance(event, MailSubmitted):
            recipients, subject = [recipient.address for recipient in event.recipients], event.message.subject
        return pb.WaitingSubmission(
            queue_id=row.queue_id,
            at=row.at,
            release_at=row.release_at,
            account=row.account,
            sender=row.sender,
            recipients=recipients[:_RECIPIENTS],
            more_recipients=len(recipients[_RECIPIENTS:]),
            subject=subject,
            size=row.size,
            requested=row.is_requested,
            suspended=row.is_suspended,
        )


def _selection(given: pb.WaitingFilter) -> WaitingSelection:
    if len(given.ids) > MOST_IDS:
        raise Invalid(f"at most {MOST_IDS} ids at once")
    if any(len(text) > _LONGEST_TEXT for text in (given.account, given.sender)):
        raise Invalid(f"a filter has at most {_LONGEST_TEXT} characters")
    return WaitingSelection(tuple(given.ids), given.account, given.sender)


def _chosen(request: pb.ChangeWaitingRequest) -> WaitingSelection:
    """The selection of a command. Raises Invalid when nothing is chosen and `all` is not set."""
    selection = _selection(request.filter)
    if selection == WaitingSelection() and not request.all:
        raise Invalid("which mails? Give queue ids or a filter, or choose all")
    return selection


def _reply(change: WaitingChange) -> pb.ChangeWaitingReply:
    return pb.ChangeWaitingReply(
        changed=change.changed, queue_ids=change.queue_ids, not_waiting=map(_not_waiting, change.not_waiting)
    )


def _not_waiting(mail: Whereabouts) -> pb.NotWaiting:
    return pb.NotWaiting(queue_id=mail.queue_id, state=mail.state, at=mail.at, actor=mail.actor)
