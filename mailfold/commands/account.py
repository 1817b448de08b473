"""`mailfold account …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all
from mailfold.commands.removal import remove
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Accounts: addresses that own mail and can log in.")
_FIELDS = ("address", "user", "group", "disabled", "quota_bytes", "quota_messages", "id")
_SHOWN = (*_FIELDS, "aliases")
Address = Annotated[str, Argument("The full address, such as ann@example.org.")]
Quota = Annotated[str, Option("--quota", help="Its quota, such as 2G; 0: no limit; without it that of the domain.")]

Messages = Annotated[
    str, Option("--messages", help="How many messages it may have; 0: no limit; without it that of the domain.")
]


@app.command()
def add(
    address: Address,
    user: Annotated[str, Option("--user", help="Who owns it.")] = "",
    group: Annotated[str, Option("--group", help="The group whose members open it, in place of a user.")] = "",
    quota: Quota = "",
    messages: Messages = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an account for a user or a group."""
    if bool(user) == bool(group):
        raise CommandFailed("who owns it? Give either --user or --group", UNUSABLE)
    limits = _limits(quota, messages)
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
    size: Annotated[str, Argument("The quota, such as 500M or 2G; 0: no limit; without it, it stays.")] = "",
    messages: Annotated[str, Option("--messages", help="How many messages it may have; 0: no limit.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the quota of an account: octets, messages or both."""
    limits = _limits(size, messages)
    if not limits:
        raise CommandFailed("which quota? Give a size such as 2G, or --messages 100000", UNUSABLE)
    show(
        call(data, "ChangeAccount", lambda pb: pb.ChangeAccountRequest(address=address, **limits)),
        _FIELDS,
        json=json,
    )


@app.command()
def disable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Disable an account: mail to it bounces and log-ins are refused; nothing is lost."""
    show(
        call(data, "ChangeAccount", lambda pb: pb.ChangeAccountRequest(address=address, disabled=True)),
        _FIELDS,
        json=json,
    )


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable an account again."""
    show(
        call(data, "ChangeAccount", lambda pb: pb.ChangeAccountRequest(address=address, disabled=False)),
        _FIELDS,
        json=json,
    )


app.commands["remove"] = remove


def _limits(size: str, messages: str) -> dict[str, int]:
    """The fields of the limits that were given."""
    limits = {"quota_bytes": _octets(size)} if size else {}
    return limits | ({"quota_messages": _messages(messages)} if messages else {})


def _octets(text: str) -> int:
    from shared.routing.domain_values import octets_of

    try:
        return octets_of(text)
    except ValueError as error:
        raise CommandFailed(str(error), UNUSABLE) from error


def _messages(text: str) -> int:
    from shared.routing.domain_values import messages_of

    try:
        return messages_of(text)
    except ValueError as error:
        raise CommandFailed(str(error), UNUSABLE) from error
