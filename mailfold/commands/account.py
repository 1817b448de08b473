"""`mailfold account …`"""

from __future__ import annotations

import re
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.operator.failure import CommandFailed

app = Group("Accounts: addresses that own mail and can log in.")
_FIELDS = ("address", "user", "disabled", "quota_bytes", "id")
_SHOWN = (*_FIELDS, "aliases")
Address = Annotated[str, Argument("The full address, such as ann@example.org.")]
Quota = Annotated[str, Option("--quota", help="Its quota, such as 500M or 2G; 0: no limit.")]
_LARGEST = 1 << 60
_SIZE = re.compile(r"(\d+)\s*([kmgtp]?)i?b?", re.I)


@app.command()
def add(
    address: Address,
    user: Annotated[str, Option("--user", help="Who owns it.")],
    quota: Quota = "0",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an account for a user."""
    limit = _octets(quota)
    show(
        call(data, "AddAccount", lambda pb: pb.AddAccountRequest(address=address, user=user, quota_bytes=limit)),
        _FIELDS,
        json=json,
    )


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
    size: Annotated[str, Argument("The quota, such as 500M or 2G; 0: no limit.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the quota of an account."""
    limit = _octets(size)
    show(
        call(data, "ChangeAccount", lambda pb: pb.ChangeAccountRequest(address=address, quota_bytes=limit)),
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


@app.command()
def remove(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Remove an account; later mail bounces. A new account with the same address does not get its mail."""
    show_removed(call(data, "RemoveAccount", lambda pb: pb.NameRequest(name=address)).name, json=json)


def _octets(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise CommandFailed(f"{text!r} is not a size; write 500M, 2G or 0", 2)
    factor: int = 1024 ** " kmgtp".index(match[2].lower() or " ")
    octets = int(match[1]) * factor
    if octets > _LARGEST:
        raise CommandFailed(f"{text} is too large; the largest quota is 1024P, and 0 means no limit", 2)
    return octets
