"""`mailfold alias …`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time_ns
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.texts import until as parse_until

app = Group("Aliases: addresses whose mail goes to accounts or to other servers.")
_FIELDS = ("address", "targets", "disabled", "ended", "ends_at", "owners")
Address = Annotated[str, Argument("The alias, such as info@example.org or 'sales-*@example.org'.")]
Until = Annotated[str, Option("--until", help="It ends then: 30d, 12h, or 2026-12-24T18:00 (UTC).")]


@app.command()
def add(
    address: Address,
    targets: Annotated[list[str], Argument("Its targets: addresses, or group:NAME for its members.")],
    until: Until = "",
    owner: Annotated[str, Option("--owner", help="A user who may send as it; `alias owners` names several.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an alias. A `*` in its name stands for any characters."""
    ends_at = parse_until(until, time_ns() // 1000) if until else 0
    added = call(
        data,
        "AddAlias",
        lambda pb: pb.AddAliasRequest(address=address, targets=targets, ends_at=ends_at, owners=filter(None, [owner])),
    )
    show(added, _FIELDS, json=json)


@app.command("targets")
def change_targets(
    address: Address,
    targets: Annotated[list[str], Argument("All its targets: addresses, or group:NAME for its members.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Send the mail of an alias to other targets."""
    _change(data, address, json=json, targets=targets)


@app.command("owners")
def change_owners(
    address: Address,
    users: Annotated[list[str] | None, Argument("All of them; none: the user of its only target.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Name the users who may send as an alias."""
    _change(data, address, json=json, owners=users or [])


@app.command("until")
def change_end(
    address: Address,
    end: Annotated[str, Argument("30d, 12h, 2026-12-24T18:00 (UTC), or `never`.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set the end of an alias. After it mail is refused, and the address stays taken."""
    _change(data, address, json=json, ends_at=0 if end == "never" else parse_until(end, time_ns() // 1000))


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
    _change(data, address, json=json, disabled=True)


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable an alias again."""
    _change(data, address, json=json, disabled=False)


@app.command()
def remove(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Remove an alias."""
    show_removed(call(data, "RemoveAlias", lambda pb: pb.NameRequest(name=address)).name, json=json)


def _change(
    data: Path,
    address: str,
    *,
    json: bool,
    targets: Sequence[str] | None = None,
    owners: Sequence[str] | None = None,
    **values: Any,
) -> None:
    def request(pb: Any) -> Any:
        asked = pb.ChangeAliasRequest(address=address, **values)
        if targets is not None:
            asked.targets.CopyFrom(pb.Names(names=targets))
        if owners is not None:
            asked.owners.CopyFrom(pb.Names(names=owners))
        return asked

    show(call(data, "ChangeAlias", request), _FIELDS, json=json)
