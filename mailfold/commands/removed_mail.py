"""`mailfold mailbox deleted` and `mailfold mailbox restore`: messages that went from mailboxes."""

from __future__ import annotations

import sys
from itertools import pairwise
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import show_all
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id
from mailfold.texts import since as time_of

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_FIELDS = (
    "mailbox",
    "uid",
    "removed_at",
    "kept_until",
    "cause",
    "author",
    "subject",
    "size",
    "arrived_at",
    "command",
)
_UIDS = 4_294_967_295
Account = Annotated[str, Argument("The address of the account.")]


class RemovedFilter(NamedTuple):
    """Filters; a message must fit all that are given."""

    mailbox: Annotated[str, Argument("Only messages that were in this mailbox.")] = ""
    since: Annotated[str, Option("--since", help="Only what went since: 30m, 2h, 1d ago, or 2026-11-23T10:00.")] = ""
    cause: Annotated[
        Literal["", "expunged", "expired", "deleted", "pop3"],
        Option("--cause", help="Why they went; `deleted`: with their mailbox."),
    ] = ""
    command: Annotated[
        str, Option("--command", help="Only what this command, or this run of expiry, removed: an id that is listed.")
    ] = ""


def deleted(
    account: Account,
    choice: RemovedFilter,
    limit: Annotated[int, Option("--limit", help="Number of messages.", minimum=1, maximum=100_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List messages that went from mailboxes and can still be restored, the last ones first."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> list[Any]:
        pb, stub, chosen = await _begun(session, account, choice)
        request = pb.ListRemovedRequest(choice=chosen, limit=limit)
        return [_Shown(message) async for batch in stub.ListRemoved(request) for message in batch.messages]

    shown = converse(data, ask)
    show_all(shown, _FIELDS, json=json, empty="no such message can be restored")
    if len(shown) == limit and not json:
        print(f"there may be more: these are {limit}, see --limit", file=sys.stderr)


def restore(
    account: Account,
    choice: RemovedFilter,
    uid: Annotated[str, Option("--uid", help="Only these UIDs in the mailbox, such as 5,7:9.")] = "",
    into: Annotated[str, Option("--into", help="Put all of them into this mailbox.")] = "",
    all_of_them: Annotated[bool, Option("--all", help="All messages, when no filter is given.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Bring messages back that went, into the mailboxes they were in, with new UIDs and their flags but \\Deleted.

    What was in a mailbox that is gone comes into one of the same name, else into INBOX. A command of the operator is
    not bound by the quota; the owner's is.
    """
    from mailfold.operator.session import converse

    if not (all_of_them or any(choice)):
        raise CommandFailed("which messages? Give a mailbox, a filter or --all", UNUSABLE)
    if uid and not choice.mailbox:
        raise CommandFailed("UIDs belong to a mailbox: name it", UNUSABLE)
    bounds = [bound for span in uid_ranges(uid) for bound in span] if uid else []

    async def ask(session: Session) -> Any:
        pb, stub, chosen = await _begun(session, account, choice)
        return await stub.RestoreRemoved(pb.RestoreRemovedRequest(choice=chosen, uid_bounds=bounds, into=into))

    restored = converse(data, ask)
    show_all(restored.mailboxes, ("mailbox", "messages"), json=json, empty="no such message can be restored")
    if restored.refused:
        raise CommandFailed(f"the rest was not restored: {restored.refused}")


def uid_ranges(text: str) -> list[tuple[int, int]]:
    """Ascending ranges from a text such as `5,7:9`. Raises CommandFailed."""
    spans: list[tuple[int, int]] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        ends = [int(end) if end.strip().isdecimal() and len(end) <= 12 else 0 for end in (first, last or first)]
        if not 0 < ends[0] <= ends[1] <= _UIDS:
            raise CommandFailed(f"{part!r} is neither a UID nor a range such as 7:9", UNUSABLE)
        spans.append((ends[0], ends[1]))
    spans.sort()
    if any(last >= first for (_, last), (first, _) in pairwise(spans)):
        raise CommandFailed(f"{text!r} names a UID twice", UNUSABLE)
    return spans


async def _begun(session: Session, account: str, choice: RemovedFilter) -> tuple[Any, Any, Any]:
    """The contract's module, its stub, and the choice of the contract."""
    from shared.rpc.mailfold.mailstore.v1 import removed_pb2
    from shared.rpc.mailfold.mailstore.v1.removed_pb2_grpc import RemovedStub

    chosen = removed_pb2.RemovedChoice(
        account=await account_id(session, account),
        mailbox=choice.mailbox,
        cause=choice.cause,
        command=choice.command,
        since=time_of(choice.since, time_ns() // 1000) if choice.since else 0,
    )
    return removed_pb2, RemovedStub(await session.running("mailstore")), chosen


class _Shown:
    """A removed message with the names of what is printed."""

    def __init__(self, message: Any) -> None:
        self.mailbox = message.mailbox
        self.uid = message.uid
        self.removed_at = message.removed_at
        self.kept_until = message.until
        self.cause = message.cause
        self.author = message.author
        self.subject = message.subject
        self.size = message.size
        self.arrived_at = message.internal_date
        self.command = message.command
