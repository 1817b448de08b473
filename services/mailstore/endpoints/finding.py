"""Serves the Finding contract of the mailstore."""

from __future__ import annotations

from typing import Any

from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.finding.query import MailQueries, MailQuery, QueryAnswer
from services.mailstore.finding.shown import ShownMatch
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.reads import ReadRecords
from shared.clock import Clock
from shared.grpc.call import current_provenance, session_account
from shared.grpc.errors import Invalid
from shared.protocol.search.query import QueryError
from shared.protocol.search.snippets import Snippet
from shared.rpc.mailfold.mailstore.v1 import finding_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.finding_pb2_grpc import FindingServicer

_USUAL, MOST_SHOWN, _FARTHEST = 50, 500, 10_000
_MOST_MAILBOXES = 1_000
_ZONE = 18 * 60


class FindingEndpoint(FindingServicer):
    """Answers the operator, and owners about their accounts."""

    def __init__(self, queries: MailQueries, owners: Owners, records: ReadRecords, clock: Clock) -> None:
        self._queries = queries
        self._owners = owners
        self._records = records
        self._clock = clock

    async def Query(self, request: pb.QueryRequest, context: Any) -> pb.QueryReply:
        await self._owners.check(request.account, "Finding/Query")
        query = _query(request)
        try:
            with as_contract_errors():
                answer = await self._queries.answer(query, self._clock.now())
        except QueryError as error:
            raise Invalid(f"at character {error.position + 1}: {error.sentence}", "QUERY") from error
        if session_account() != request.account:
            await self._records.note_search(request.account, len(answer.messages), current_provenance().actor)
        return _reply(answer)


def _query(request: pb.QueryRequest) -> MailQuery:
    """Raises Invalid."""
    if request.limit > MOST_SHOWN or request.offset > _FARTHEST:
        raise Invalid(f"an answer has at most {MOST_SHOWN} messages, after at most {_FARTHEST}", "LIMIT")
    if abs(request.zone) > _ZONE:
        raise Invalid(f"a zone is at most {_ZONE} minutes east or west of UTC", "INVALID")
    if len(request.mailboxes) > _MOST_MAILBOXES:
        raise Invalid(f"a query names at most {_MOST_MAILBOXES} mailboxes", "LIMIT")
    if request.order not in pb.QueryRequest.Order.values():
        raise Invalid("the order is of another release", "INVALID")
    return MailQuery(
        request.account,
        request.query,
        tuple(request.mailboxes),
        request.order == pb.QueryRequest.RELEVANCE,
        request.limit or _USUAL,
        request.offset,
        request.zone,
    )


def _reply(answer: QueryAnswer) -> pb.QueryReply:
    messages = [_message(message, answer.names[message.place.mailbox]) for message in answer.messages]
    return pb.QueryReply(messages=messages, total=answer.total, is_partial=answer.is_partial)


def _message(message: ShownMatch, name: str) -> pb.QueriedMessage:
    row = message.row
    senders = [pb.Sender(name=display, address=address) for display, address in message.senders]
    return pb.QueriedMessage(
        mailbox=message.place.mailbox,
        mailbox_name=name,
        uid=row.uid,
        email_id=row.content,
        thread_id=row.thread,
        internal_date=row.internal_date,
        size=row.size,
        flags=row.flags,
        subject=message.subject,
        has_attachment=message.has_attachment,
        score=message.place.score,
        marked_subject=_marked(message.marked_subject),
        snippet=_marked(message.snippet),
        **{"from": senders},
    )


def _marked(snippet: Snippet | None) -> pb.MarkedText | None:
    if snippet is None:
        return None
    bounds = [bound for span in snippet.ranges for bound in span]
    return pb.MarkedText(html=snippet.html, text=snippet.text, ranges=bounds)
