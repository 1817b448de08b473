"""`mailfold list …`"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands import list_moderation
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.commands.printing import as_json
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Mailing lists: what is sent to one goes to all its members.")
_FIELDS = ("address", "description", "owners", "members", "paused", "members_only", "disabled")
_SHOWN = (*_FIELDS, "skip_recipients", "rewrite_author", "id")
_MEMBER = ("address", "paused", "bounces", "last_status", "id")
_AT_ONCE = 1_000
_MOST_OCTETS = 10_000_000
_SWITCHES = ("members_only", "skip_recipients", "rewrite_author")
Address = Annotated[str, Argument("The list, such as devs@example.org.")]
Members = Annotated[list[str] | None, Argument("Addresses, here or at other servers, and groups as group:NAME.")]
File = Annotated[str, Option("--file", help="A file with more addresses, one a line.")]


@app.command()
def add(
    address: Address,
    owner: Annotated[str, Option("--owner", help="Who gets the mail for its owner; `list owners` names several.")],
    description: Annotated[str, Option("--description", help="Its name for people.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add a mailing list. Its service addresses, such as devs-owner@, are taken as well."""
    added = _call(
        data, "AddList", lambda pb: pb.AddListRequest(address=address, owners=[owner], description=description)
    )
    show(added, _SHOWN, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all mailing lists."""
    listed = _call(data, "ListLists", lambda pb: pb.ListsRequested()).lists
    empty = "there is no list yet: `mailfold list add devs@example.org --owner ann@example.org`"
    show_all(listed, _FIELDS, json=json, empty=empty)


@app.command("show")
def show_named(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Show one list."""
    show(_call(data, "ShowList", lambda pb: pb.ListRequested(name=address)), _SHOWN, json=json)


@app.command("set")
def set_value(
    address: Address,
    value: Annotated[str, Argument("members_only, skip_recipients, rewrite_author or description.", metavar="VALUE")],
    text: Annotated[str, Argument("`on` or `off`; of a description its text.", metavar="TEXT")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Change a list: who may post, who gets no copy, and whether From is rewritten for DMARC."""
    if value == "description":
        _change(data, address, json=json, description=text)
    elif value in _SWITCHES and text in ("on", "off"):
        _change(data, address, json=json, **{value: text == "on"})
    else:
        raise CommandFailed(f"give one of {', '.join(_SWITCHES)} with on or off, or description with a text", UNUSABLE)


@app.command()
def owners(
    address: Address,
    people: Annotated[list[str], Argument("All of them.", metavar="ADDRESSES")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Name the addresses that get the mail for the owner of a list."""
    request = "ChangeList"
    changed = _call(data, request, lambda pb: pb.ChangeListRequest(name=address, owners=pb.ListOwners(owners=people)))
    show(changed, _SHOWN, json=json)


@app.command()
def members(
    address: Address,
    paused: Annotated[bool, Option("--paused", help="Only those that get no posts.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the members of a list, with their bounces."""
    listed: list[Any] = []
    page = None
    while page is None or page.has_more:
        after = listed[-1].id if listed else ""
        page = _page(data, address, after, paused=paused)
        listed += page.members
    empty = f"nobody yet: `mailfold list join {address} ann@example.org`"
    show_all(listed, _MEMBER, json=json, empty=empty)


@app.command()
def join(address: Address, people: Members = None, file: File = "", data: Data = DATA, json: Json = False) -> None:
    """Add members to a list. Of a group, its people get the posts and may post, as long as they are its members."""
    _change_members(data, address, "JoinList", [*(people or []), *_from_file(file)], json=json)


@app.command()
def leave(address: Address, people: Members = None, file: File = "", data: Data = DATA, json: Json = False) -> None:
    """Remove members from a list."""
    _change_members(data, address, "LeaveList", [*(people or []), *_from_file(file)], json=json)


@app.command()
def pause(
    address: Address, member: Annotated[str, Argument("The member.")], data: Data = DATA, json: Json = False
) -> None:
    """Send no posts to a member for now."""
    _switch(data, address, member, paused=True, json=json)


@app.command()
def resume(
    address: Address, member: Annotated[str, Argument("The member.")], data: Data = DATA, json: Json = False
) -> None:
    """Send posts to a member again, and forget its bounces."""
    _switch(data, address, member, paused=False, json=json)


@app.command()
def disable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Disable a list: mail to it is refused; nothing is lost."""
    _change(data, address, json=json, disabled=True)


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable a list again."""
    _change(data, address, json=json, disabled=False)


@app.command()
def remove(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Remove a list with its members."""
    show_removed(_call(data, "RemoveList", lambda pb: pb.ListRequested(name=address)).name, json=json)


app.command("moderators")(list_moderation.moderators)
app.command("moderation")(list_moderation.moderation)
app.command("held")(list_moderation.held)
app.command("approve")(list_moderation.approve)
app.command("refuse")(list_moderation.refuse)


def _call(data: Path, method: str, request: Any) -> Any:
    return call(data, method, request, contract="Lists")


def _change(data: Path, address: str, *, json: bool, **values: Any) -> None:
    show(_call(data, "ChangeList", lambda pb: pb.ChangeListRequest(name=address, **values)), _SHOWN, json=json)


def _switch(data: Path, address: str, member: str, *, paused: bool, json: bool) -> None:
    changed = _call(data, "SwitchMember", lambda pb: pb.SwitchMemberRequest(name=address, member=member, paused=paused))
    show(changed, _MEMBER, json=json)


def _page(data: Path, address: str, after: str, *, paused: bool) -> Any:
    return _call(
        data, "ListMembers", lambda pb: pb.ListMembersPageRequest(name=address, after=after, paused_only=paused)
    )


def _change_members(data: Path, address: str, method: str, people: list[str], *, json: bool) -> None:
    """Change the members, at most 1,000 in each call."""
    if not people:
        raise CommandFailed("give addresses, or a file with --file", UNUSABLE)
    changed: list[str] = []
    for start in range(0, len(people), _AT_ONCE):
        some = people[start : start + _AT_ONCE]
        changed += _changed(data, address, method, some)
    as_json({"changed": changed}) if json else print(f"{len(changed)} of {len(people)} changed")


def _changed(data: Path, address: str, method: str, people: list[str]) -> list[str]:
    return list(_call(data, method, lambda pb: pb.ListMembersRequest(name=address, members=people)).changed)


def _from_file(file: str) -> Iterator[str]:
    if not file:
        return
    path = Path(file)
    if path.stat().st_size > _MOST_OCTETS:
        raise CommandFailed(f"{file} is larger than {_MOST_OCTETS} octets", UNUSABLE)
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield line.strip()
