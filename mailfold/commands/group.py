"""`mailfold group …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json
from mailfold.commands.directory import call, show, show_all, show_removed

app = Group("Groups of users, who open the group's accounts with their own passwords.")
_FIELDS = ("name", "members", "accounts", "id")
_SHOWN = (*_FIELDS, "aliases")
Name = Annotated[str, Argument("The group's name.")]
Users = Annotated[list[str], Argument("Names of users: one or several.")]


@app.command()
def add(
    name: Name,
    users: Annotated[list[str] | None, Argument("Its first members.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add a group. `mailfold account add sales@example.org --group NAME` gives it an account."""
    _show(_call(data, "AddGroup", lambda pb: pb.AddGroupRequest(name=name, users=users or [])), json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all groups."""
    listed = _call(data, "ListGroups", lambda _pb: _directory().ListRequest()).groups
    show_all(listed, _FIELDS, json=json, empty="there is no group yet: `mailfold group add sales ann bob`")


@app.command("show")
def show_named(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Show one group, with the aliases whose mail goes to its members."""
    _show(_call(data, "ShowGroup", lambda _pb: _directory().NameRequest(name=name)), json=json)


@app.command()
def rename(
    name: Name, new_name: Annotated[str, Argument("Its new name.")], data: Data = DATA, json: Json = False
) -> None:
    """Give a group another name. Its accounts, members and aliases stay."""
    _show(_call(data, "RenameGroup", lambda pb: pb.RenameGroupRequest(name=name, new_name=new_name)), json=json)


@app.command()
def remove(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Remove a group that owns no account and is no target of an alias."""
    show_removed(_call(data, "RemoveGroup", lambda _pb: _directory().NameRequest(name=name)).name, json=json)


@app.command()
def join(group: Name, users: Users, data: Data = DATA, json: Json = False) -> None:
    """Make users members: they may open the group's accounts and send as them."""
    _show(_call(data, "JoinGroup", lambda pb: pb.MembersRequest(group=group, users=users)), json=json)


@app.command()
def leave(group: Name, users: Users, data: Data = DATA, json: Json = False) -> None:
    """End the membership of users, and with it their open sessions at the group's accounts."""
    _show(_call(data, "LeaveGroup", lambda pb: pb.MembersRequest(group=group, users=users)), json=json)


def _show(group: Any, *, json: bool) -> None:
    show(group, _SHOWN, json=json)


def _call(data: Path, method: str, request: Any) -> Any:
    return call(data, method, request, contract="Groups")


def _directory() -> Any:
    """The module of the contract that the messages of all commands come from."""
    from shared.rpc.mailfold.directory.v1 import directory_pb2

    return directory_pb2
