"""`mailfold ldap …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show

app = Group("LDAP: people and groups of a directory elsewhere, who are users and groups here.")
_FIELDS = (
    "url",
    "read_at",
    "people",
    "users",
    "added",
    "missing",
    "disabled",
    "back",
    "groups",
    "groups_added",
    "groups_missing",
    "joined",
    "left",
    "problem",
    "skipped",
)


@app.command("show")
def show_last(data: Data = DATA, json: Json = False) -> None:
    """Show what the last reading of all people and groups brought."""
    show(call(data, "ShowLdap", lambda pb: pb.LdapRequest(), contract="Ldap"), _FIELDS, json=json)


@app.command()
def sync(
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would change.")] = False,
    accept_missing: Annotated[bool, Option("--accept-missing", help="Also when unusually many are missing.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Read all people and groups now: new ones are added, and who is missing for long is disabled."""
    report = call(
        data,
        "SyncLdap",
        lambda pb: pb.SyncLdapRequest(dry_run=dry_run, accept_missing=accept_missing),
        contract="Ldap",
    )
    show(report, _FIELDS, json=json)


@app.command()
def link(
    user: Annotated[str, Argument("A user here.")],
    person: Annotated[str, Argument("The name there; the same when it is missing.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make a user here a person there, whose password counts from then on."""
    linked = call(data, "LinkLdapUser", lambda pb: pb.LinkLdapUserRequest(user=user, person=person), contract="Ldap")
    show(linked, ("user",), json=json)


@app.command("unlink-group")
def unlink_group(group: Annotated[str, Argument("A group here.")], data: Data = DATA, json: Json = False) -> None:
    """Follow a group no longer: it keeps its members, and is changed here from then on."""
    unlinked = call(data, "UnlinkLdapGroup", lambda pb: pb.UnlinkLdapGroupRequest(group=group), contract="Ldap")
    show(unlinked, ("group",), json=json)
