"""`mailfold alias …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json
from mailfold.commands.directory import call, show, show_all, show_removed

app = Group("Aliases: addresses whose mail goes to accounts or to other servers.")
_FIELDS = ("address", "targets", "disabled")
Address = Annotated[str, Argument("The alias, such as info@example.org.")]


@app.command()
def add(
    address: Address,
    targets: Annotated[list[str], Argument("Its targets: one address or several.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an alias."""
    show(call(data, "AddAlias", lambda pb: pb.AddAliasRequest(address=address, targets=targets)), _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all aliases."""
    listed = call(data, "ListAliases", lambda pb: pb.ListRequest()).aliases
    show_all(
        listed, _FIELDS, json=json, empty="there is no alias yet: `mailfold alias add info@example.org ann@example.org`"
    )


@app.command("show")
def show_named(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Show one alias."""
    show(call(data, "ShowAlias", lambda pb: pb.NameRequest(name=address)), _FIELDS, json=json)


@app.command()
def disable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Disable an alias: mail to it is refused; nothing is lost."""
    show(
        call(data, "ChangeAlias", lambda pb: pb.ChangeAliasRequest(address=address, disabled=True)), _FIELDS, json=json
    )


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable an alias again."""
    show(
        call(data, "ChangeAlias", lambda pb: pb.ChangeAliasRequest(address=address, disabled=False)), _FIELDS, json=json
    )


@app.command()
def remove(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Remove an alias."""
    show_removed(call(data, "RemoveAlias", lambda pb: pb.NameRequest(name=address)).name, json=json)
