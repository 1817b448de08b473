"""`mailfold role …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json
from mailfold.commands.directory import call, show, show_all

app = Group("Roles: what each user may see and change.")
_FIELDS = ("user", "role", "domains")


@app.command()
def give(
    user: Annotated[str, Argument("The user's name.")],
    role: Annotated[str, Argument("`admin` (everything), `domain-admin` (of the named domains) or `user`.")],
    domains: Annotated[list[str] | None, Argument("The domains of a domain admin: all of them.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give a user a role, in place of the one before."""
    given = call(
        data, "GiveRole", lambda pb: pb.GiveRoleRequest(user=user, role=role, domains=domains or []), contract="Roles"
    )
    show(given, _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List the users who are admins."""
    listed = call(data, "ListRoles", lambda pb: pb.ListRolesRequest(), contract="Roles").roles
    show_all(listed, _FIELDS, json=json, empty="nobody is an admin: `mailfold role give ann admin`")
