"""`mailfold mailbox …`: how long messages stay in the mailboxes of an account, and what went from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.annotations import annotate, shown
from mailfold.commands.directory import show, show_all
from mailfold.commands.removed_mail import deleted, restore
from mailfold.operator.failure import UNUSABLE, CommandFailed

if TYPE_CHECKING:
    from mailfold.operator.session import Session

app = Group("Mailboxes of accounts: how long messages stay in them, how those that went come back, and annotations.")
app.command()(deleted)
app.command()(restore)
app.command()(annotate)
app.command("annotations")(shown)
_FIELDS = ("mailbox", "rule", "days", "messages", "at_once", "first_at", "last_at")
Account = Annotated[str, Argument("The address of the account.")]


@app.command()
def expire(
    account: Account,
    mailbox: Annotated[str, Argument("The name of the mailbox, such as Trash.")],
    days: Annotated[str, Argument("Days from 1 on; `never`; or `default`: the rule of the domain or server.")],
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would go and when, and change nothing.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Let a mailbox forget messages after so many days. Messages that are there get these days from now on."""
    number = _days(days)
    changed = _ask(
        data,
        account,
        "ChangeExpiry",
        lambda pb, identity: pb.ChangeExpiryRequest(account=identity, mailbox=mailbox, days=number, dry_run=dry_run),
    )
    show(_Shown(changed), _FIELDS, json=json)
    if dry_run and not json:
        print("nothing was changed")


@app.command()
def expiry(account: Account, data: Data = DATA, json: Json = False) -> None:
    """Show the mailboxes of an account that may forget messages: their rules, and what goes when."""
    listed = _ask(data, account, "ListExpiry", lambda pb, identity: pb.ListExpiryRequest(account=identity)).mailboxes
    show_all([_Shown(mailbox) for mailbox in listed], _FIELDS, json=json, empty="the account has not been used yet")


class _Shown:
    """A mailbox with its rules as words."""

    def __init__(self, mailbox: Any) -> None:
        from shared.expiry import INHERITED, text_of

        self.mailbox = mailbox.mailbox
        self.rule = text_of(mailbox.own_days)
        self.days = "never" if mailbox.days == INHERITED else text_of(mailbox.days)
        self.messages = mailbox.messages
        self.at_once = mailbox.at_once
        self.first_at = mailbox.first_at
        self.last_at = mailbox.last_at


def _ask(data: Path, address: str, method: str, request: Callable[[Any, str], Any]) -> Any:
    """The mailstore's reply to a method, about the account with this address."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> Any:
        from shared.rpc.mailfold.directory.v1.directory_pb2 import NameRequest
        from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub
        from shared.rpc.mailfold.mailstore.v1 import expiry_pb2
        from shared.rpc.mailfold.mailstore.v1.expiry_pb2_grpc import ExpiryStub

        directory = DirectoryStub(await session.running("directory"))
        account = await directory.ShowAccount(NameRequest(name=address))
        stub = ExpiryStub(await session.running("mailstore"))
        return await getattr(stub, method)(request(expiry_pb2, account.id))

    return converse(data, ask)


def _days(text: str) -> int:
    from shared.expiry import days_of

    try:
        return days_of(text)
    except ValueError as error:
        raise CommandFailed(str(error), UNUSABLE) from error
