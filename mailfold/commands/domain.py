"""`mailfold domain …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed

app = Group("The domains of this server.")
_FIELDS = ("name", "incoming", "disabled", "accounts", "aliases", "id")
Name = Annotated[str, Argument("A domain, such as example.org.")]


@app.command()
def add(
    name: Name,
    incoming: Annotated[bool, Option("--incoming", help="It also receives mail.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add a domain; without --incoming it can only send."""
    show(call(data, "AddDomain", lambda pb: pb.AddDomainRequest(name=name, incoming=incoming)), _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all domains."""
    listed = call(data, "ListDomains", lambda pb: pb.ListRequest()).domains
    show_all(listed, _FIELDS, json=json, empty="there is no domain yet: `mailfold domain add example.org --incoming`")


@app.command("show")
def show_named(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Show one domain."""
    show(call(data, "ShowDomain", lambda pb: pb.NameRequest(name=name)), _FIELDS, json=json)


@app.command()
def incoming(
    name: Name,
    off: Annotated[bool, Option("--off", help="Receive no more.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Let a domain receive mail; with --off, stop that."""
    show(call(data, "ChangeDomain", lambda pb: pb.ChangeDomainRequest(name=name, incoming=not off)), _FIELDS, json=json)


@app.command()
def disable(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Disable a domain; nothing is lost."""
    show(call(data, "ChangeDomain", lambda pb: pb.ChangeDomainRequest(name=name, disabled=True)), _FIELDS, json=json)


@app.command()
def enable(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Enable a domain again."""
    show(call(data, "ChangeDomain", lambda pb: pb.ChangeDomainRequest(name=name, disabled=False)), _FIELDS, json=json)


@app.command()
def remove(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Remove a domain that has no accounts and aliases."""
    show_removed(call(data, "RemoveDomain", lambda pb: pb.NameRequest(name=name)).name, json=json)
