"""`mailfold search`"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.printing import as_json, table
from mailfold.operator.queue_choice import account_id
from mailfold.texts import moment

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_COLUMNS = ("received", "mailbox", "uid", "from", "subject", "text")


class SearchChoice(NamedTuple):
    """Where to search, and what to show."""

    mailbox: Annotated[str, Option("--mailbox", help="Only this mailbox; else all but Junk, Trash and All Mail.")] = ""
    sort: Annotated[
        Literal["date", "relevance"], Option("--sort", help="The newest or the most relevant messages first.")
    ] = "date"
    limit: Annotated[int, Option("--limit", help="Number of messages.", minimum=1, maximum=500)] = 20
    offset: Annotated[int, Option("--offset", help="Messages to leave out first.", minimum=0, maximum=10_000)] = 0


def search(
    account: Annotated[str, Argument("The address of the account.")],
    query: Annotated[str, Argument("What to find: 'invoice from:ann has:attachment after:2026-01 \"next week\"'.")],
    choice: SearchChoice,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Find messages in the mailboxes of an account, and show where their text has the words.

    Words, "phrases", prefix*, ="exact text", from: to: cc: bcc: subject: body: attachment: filename: header:NAME:text
    has:attachment before: after: on: larger: smaller: in: is: keyword:, OR, NOT or -, and parentheses. Write -- before
    a query that begins with - and has no space. The owner finds in the journal that somebody else searched.
    """
    from mailfold.operator.session import converse

    reply = converse(data, lambda session: _asked(session, account, query, choice))
    if json:
        as_json(_document(reply))
        return
    table(_COLUMNS, [_row(message) for message in reply.messages], "no message was found")
    shown = choice.offset + len(reply.messages)
    if shown < reply.total:
        print(f"{shown} of {reply.total} messages, see --limit and --offset", file=sys.stderr)
    if reply.is_partial:
        print("older messages were left out: more would have to be read, see mailstore.query_reads", file=sys.stderr)


async def _asked(session: Session, account: str, query: str, choice: SearchChoice) -> Any:
    from shared.rpc.mailfold.mailstore.v1 import finding_pb2 as pb
    from shared.rpc.mailfold.mailstore.v1.finding_pb2_grpc import FindingStub

    request = pb.QueryRequest(
        account=await account_id(session, account),
        query=query,
        mailboxes=[choice.mailbox] if choice.mailbox else [],
        order=pb.QueryRequest.RELEVANCE if choice.sort == "relevance" else pb.QueryRequest.DATE,
        limit=choice.limit,
        offset=choice.offset,
        zone=_zone(),
    )
    return await FindingStub(await session.running("mailstore")).Query(request)


def _zone() -> int:
    """Minutes east of UTC of this machine."""
    offset = datetime.now().astimezone().utcoffset()
    return int(offset.total_seconds()) // 60 if offset is not None else 0


def _document(reply: Any) -> dict[str, Any]:
    messages = [
        {
            "mailbox": message.mailbox_name,
            "uid": message.uid,
            "email_id": message.email_id,
            "thread_id": message.thread_id,
            "received_at": message.internal_date,
            "size": message.size,
            "flags": list(message.flags),
            "from": [{"name": sender.name, "address": sender.address} for sender in _senders(message)],
            "subject": message.subject,
            "has_attachment": message.has_attachment,
            "score": message.score,
            "marked_subject": _marked(message, "marked_subject"),
            "snippet": _marked(message, "snippet"),
        }
        for message in reply.messages
    ]
    return {"messages": messages, "total": reply.total, "is_partial": reply.is_partial}


def _marked(message: Any, field: str) -> dict[str, Any] | None:
    if not message.HasField(field):
        return None
    marked = getattr(message, field)
    bounds = list(marked.ranges)
    ranges = [list(span) for span in zip(bounds[::2], bounds[1::2], strict=True)]
    return {"html": marked.html, "text": marked.text, "ranges": ranges}


def _row(message: Any) -> list[object]:
    senders = [sender.name or sender.address for sender in _senders(message)]
    values = (moment(message.internal_date), message.mailbox_name, message.uid, senders, message.subject)
    return [*values, message.snippet.text]


def _senders(message: Any) -> list[Any]:
    return list(getattr(message, "from"))
