"""`mailfold account …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.account_all_mail import all_mail
from mailfold.commands.account_pop3 import pop3
from mailfold.commands.directory import call, show, show_all
from mailfold.commands.limits import Messages, Size, limits_of, octets, quota_of
from mailfold.commands.limits import Quota as NewQuota
from mailfold.commands.removal import remove
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Accounts: addresses that own mail and can log in.")
_FIELDS = ("address", "user", "group", "disabled", "quota_bytes", "quota_messages", "max_message_size", "id")
_SHOWN = (*_FIELDS, "aliases", "last_login_at")
Address = Annotated[str, Argument("The full address, such as ann@example.org.")]
Quota = Annotated[str, Option("--quota", help="Its quota, such as 2G; 0: no limit; without it that of the domain.")]
DefaultMessages = Annotated[
    str, Option("--messages", help="How many messages it may have; 0: no limit; without it that of the domain.")
]
LargestMessage = Annotated[
    str, Option("--size", help="The largest message, such as 20M; without it that of the domain.")
]


@app.command()
def add(
    address: Address,
    user: Annotated[str, Option("--user", help="Who owns it.")] = "",
    group: Annotated[str, Option("--group", help="The group whose members open it, in place of a user.")] = "",
    quota: Quota = "",
    messages: DefaultMessages = "",
    size: LargestMessage = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an account for a user or a group."""
    if bool(user) == bool(group):
        raise CommandFailed("who owns it? Give either --user or --group", UNUSABLE)
    limits = limits_of(quota, messages, size)
    added = call(
        data,
        "AddAccount",
        lambda pb: pb.AddAccountRequest(address=address, user=user, group=group, **limits),
    )
    show(added, _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all accounts."""
    listed = call(data, "ListAccounts", lambda pb: pb.ListRequest()).accounts
    show_all(
        listed, _FIELDS, json=json, empty="there is no account yet: `mailfold account add ann@example.org --user ann`"
    )


@app.command("show")
def show_named(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Show one account."""
    show(call(data, "ShowAccount", lambda pb: pb.NameRequest(name=address)), _SHOWN, json=json)


@app.command()
def quota(
    address: Address,
    size: NewQuota = "",
    messages: Messages = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the quota of an account: octets, messages or both."""
    _change(data, address, json=json, **quota_of(size, messages))


@app.command("size")
def message_size(address: Address, size: Size, data: Data = DATA, json: Json = False) -> None:
    """Set the largest message to or from an account; the limits of its domain and of the server count as well."""
    _change(data, address, json=json, max_message_size=octets(size))


@app.command()
def disable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Disable an account: mail to it bounces and log-ins are refused; nothing is lost."""
    _change(data, address, json=json, disabled=True)


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable an account again."""
    _change(data, address, json=json, disabled=False)


app.commands["remove"] = remove
app.command("all-mail")(all_mail)
app.command("pop3")(pop3)


def _change(data: Path, address: str, *, json: bool, **values: Any) -> None:
    changed = call(data, "ChangeAccount", lambda pb: pb.ChangeAccountRequest(address=address, **values))
    show(changed, _FIELDS, json=json)
