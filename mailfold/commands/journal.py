"""`mailfold journal`"""

from __future__ import annotations

import sys
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from mailfold.arguments import DATA, Data, Json, Option
from mailfold.commands.directory import show_all
from mailfold.operator.queue_choice import account_id
from mailfold.texts import since as time_of

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_FIELDS = (
    "happened_at",
    "kind",
    "who",
    "address",
    "protocol",
    "mailbox",
    "count",
    "reason",
    "type",
    "credential",
    "id",
)
_KINDS = Literal["", "log-in", "refused", "lockout", "read", "export", "change"]


class JournalChoice(NamedTuple):
    """Whose entries, and which."""

    account: Annotated[str, Option("--account", help="The address of the account.")]
    since: Annotated[str, Option("--since", help="10m, 2h, 1d, or 2026-11-23T10:00.")] = ""
    until: Annotated[str, Option("--until", help="Only what was before: 2h (ago), or 2026-11-23T10:00.")] = ""
    kind: Annotated[_KINDS, Option("--kind", help="Only such entries.")] = ""


def journal(
    choice: JournalChoice,
    limit: Annotated[int, Option("--limit", help="Number of newest entries.", minimum=1, maximum=100_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show what the owner of an account may know: log-ins, who read mail, exports, and changes by others; newest first.

    Equal log-ins of an hour are one entry, and so are the bodies that somebody read in a mailbox within some minutes.
    The event log keeps entries for `eventlog.keep_days`.
    """
    from mailfold.operator.session import converse

    shown = converse(data, lambda session: _entries(session, choice, limit))
    show_all(shown, _FIELDS, json=json, empty="the journal has no such entry")
    if len(shown) == limit and not json:
        print(f"there may be more: these are {limit}, see --limit", file=sys.stderr)


async def _entries(session: Session, choice: JournalChoice, limit: int) -> list[_JournalRow]:
    from shared.rpc.mailfold.eventlog.v1 import journal_pb2 as pb
    from shared.rpc.mailfold.eventlog.v1.journal_pb2_grpc import JournalStub

    now = time_ns() // 1000
    account = await account_id(session, choice.account)
    stub = JournalStub(await session.running("eventlog"))
    request = pb.ListJournalRequest(account=account, kind=choice.kind)
    request.since = time_of(choice.since, now) if choice.since else 0
    request.until = time_of(choice.until, now) if choice.until else 0
    entries: list[Any] = []
    while len(entries) < limit:
        request.limit = limit - len(entries)
        page = await stub.ListJournal(request)
        entries += page.entries
        request.before = page.next
        if not page.next:
            break
    users, mailboxes = await _user_names(session, entries), await _mailbox_names(session, account)
    return [_JournalRow(entry, users, mailboxes) for entry in entries]


async def _user_names(session: Session, entries: list[Any]) -> dict[str, str]:
    """The names of users by id, as far as they may be known."""
    from shared.grpc.errors import ServiceError
    from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    stub = DirectoryStub(await session.owner("directory", reads_only=True))
    names: dict[str, str] = {}
    for identity in dict.fromkeys(entry.actor for entry in entries if entry.actor_kind == "user" and entry.actor):
        try:
            names[identity] = (await stub.ShowUser(NameRequest(name=identity))).name
        except ServiceError:  # it was removed, or it is not for this user to see: the id is shown
            names[identity] = identity
    return names


async def _mailbox_names(session: Session, account: str) -> dict[str, str]:
    """The names of the account's mailboxes by id; none for a user, who has them from IMAP."""
    from mailfold.operator.session import user_acted_for
    from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import ListMailboxesRequest
    from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub

    if user_acted_for():
        return {}
    stub = MailstoreStub(await session.running("mailstore"))
    listed = await stub.ListMailboxes(ListMailboxesRequest(account=account))
    return {mailbox.id: mailbox.name for mailbox in listed.mailboxes}


class _JournalRow:
    """An entry with the names of what is printed."""

    def __init__(self, entry: Any, users: dict[str, str], mailboxes: dict[str, str]) -> None:
        self.happened_at = entry.at
        self.kind = entry.kind
        self.who = users.get(entry.actor, entry.actor_kind)
        self.address = entry.address
        self.protocol = entry.protocol
        self.mailbox = mailboxes.get(entry.mailbox, entry.mailbox)
        self.count = entry.count
        self.reason = entry.reason
        self.type = entry.type
        self.credential = entry.credential
        self.id = entry.id
