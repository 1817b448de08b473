"""`mailfold sharing …`: who may share mailboxes with whom."""

from __future__ import annotations

from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.annotations import seen_of_mailbox
from mailfold.commands.directory import call, show, show_all
from mailfold.commands.mailbox_grants import call_mailstore
from mailfold.commands.printing import as_json
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Sharing of mailboxes: whose addresses the users of a domain see, and with whom they may share.")
_FIELDS = ("domain", "enabled", "visible", "domains", "anyone", "sees")
_IDENTIFIER = ("name", "kind", "id")
_GRANT = ("mailbox", "identifier", "rights")
_CONTRACT = "Sharing"
_KINDS = ("nobody", "domain", "all")
_SEEN_KINDS = ("", "own", "shared")
_SEEN_TEXTS = {"own": "each user's own", "shared": "the same for all"}
_PAGE = 500
Domain = Annotated[str, Argument("A domain, such as example.org.")]
Account = Annotated[str, Argument("The address of the account that would share.")]


@app.command("show")
def show_rule(domain: Domain, data: Data = DATA, json: Json = False) -> None:
    """Show whom the accounts of a domain see. `enabled` is the setting sharing.enabled of the server."""
    _show(call(data, "ShowSharing", lambda pb: pb.ShowSharingRequest(domain=domain), _CONTRACT), json=json)


@app.command("set")
def set_rule(
    domain: Domain,
    visible: Annotated[
        list[str] | None,
        Argument("nobody; domain: the own domain (default); all: every domain that agrees; or names of domains."),
    ] = None,
    anyone: Annotated[bool, Option("--anyone", help="They may share with all whom they see at once.")] = False,
    no_anyone: Annotated[bool, Option("--no-anyone", help="They may not.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Say whom the accounts of a domain see. Two domains see each other only when both rules say so."""
    words = visible or []
    if (anyone and no_anyone) or not (words or anyone or no_anyone):
        raise CommandFailed("say whom the accounts see, or one of --anyone and --no-anyone", UNUSABLE)
    kind = words[0] if len(words) == 1 and words[0] in _KINDS else "domains" if words else ""
    names = words if kind == "domains" else []

    def request(pb: Any) -> Any:
        changed = anyone if anyone or no_anyone else None
        return pb.SetSharingRequest(domain=domain, visible=kind, domains=names, anyone=changed)

    _show(call(data, "SetSharing", request, _CONTRACT), json=json)


@app.command("list")
def list_visible(
    account: Account,
    prefix: Annotated[str, Argument("The beginning of the addresses.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the users and groups that an account sees."""
    listed: list[Any] = []
    after, is_first = "", True
    while after or is_first:
        page = call(data, "ListIdentifiers", _page_request(account, prefix, after), _CONTRACT)
        listed += page.identifiers
        after, is_first = page.next, False
    show_all(listed, _IDENTIFIER, json=json, empty="it sees nobody: `mailfold sharing show DOMAIN` says why")


@app.command()
def resolve(
    account: Account,
    identifier: Annotated[str, Argument("The address of a user or group, or `anyone`.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show with whom an account would share under this identifier."""
    reply = call(data, "Identify", lambda pb: pb.IdentifyRequest(account=account, identifier=identifier), _CONTRACT)
    if not reply.HasField("identifier"):
        raise CommandFailed(f"{account} cannot share with {identifier}")
    show(reply.identifier, _IDENTIFIER, json=json)


@app.command()
def grants(
    account: Annotated[str, Argument("The address of the account that owns the mailboxes.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the rights that others have to the mailboxes of an account (RFC 4314)."""
    listed: list[Any] = []
    after, is_first = "", True
    while after or is_first:
        page = call_mailstore(data, account, "ListGrants", _grants_request(after))
        listed += page.grants
        after, is_first = page.next, False
    show_all(listed, _GRANT, json=json, empty="nobody else has rights to mailboxes of this account")


@app.command()
def revoke(
    account: Annotated[str, Argument("The address of the account that owns the mailboxes.")],
    identifier: Annotated[str, Argument("Whose rights end, as `sharing grants` shows it; `all`: those of everybody.")],
    mailbox: Annotated[str, Option("--mailbox", help="Only those to this mailbox.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """End rights to the mailboxes of an account, at once and for sessions that have them open too."""
    only = "" if identifier == "all" else identifier
    reply = call_mailstore(
        data,
        account,
        "RevokeGrants",
        lambda pb, owner: pb.RevokeGrantsRequest(account=owner, mailbox=mailbox, identifier=only),
    )
    if not reply.grants:
        raise CommandFailed(f"{account} has given no such rights: `mailfold sharing grants {account}` lists them")
    show(reply, ("grants",), json=json)


@app.command()
def seen(
    account: Annotated[str, Argument("The address of the account that owns the mailbox.")],
    mailbox: Annotated[str, Argument("The name of the mailbox.")],
    kind: Annotated[str, Argument("own: each user has his own; shared: one for all. Without it: show it.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show or say whether \\Seen of a mailbox is each user's own. What is seen at that moment stays so for all."""
    if kind not in _SEEN_KINDS:
        raise CommandFailed("the kind is own or shared", UNUSABLE)
    present = seen_of_mailbox(data, account, mailbox, kind)
    if json:
        as_json({"account": account, "mailbox": mailbox, "seen": present})
    else:
        print(f"\\Seen of {mailbox} is {_SEEN_TEXTS[present]}")


def _grants_request(after: str) -> Any:
    return lambda pb, owner: pb.ListGrantsRequest(account=owner, after=after)


def _page_request(account: str, prefix: str, after: str) -> Any:
    return lambda pb: pb.ListIdentifiersRequest(account=account, prefix=prefix, after=after, limit=_PAGE)


def _show(rule: Any, *, json: bool) -> None:
    show(rule, _FIELDS, json=json)
