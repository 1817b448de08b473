"""`mailfold domain …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.commands.domain_signature import signature
from mailfold.commands.printing import as_json, table
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("The domains of this server.")
_FIELDS = ("name", "incoming", "disabled", "accounts", "aliases", "alias_of", "id")
_SHOWN = (*_FIELDS, "values")
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
    show(call(data, "ShowDomain", lambda pb: pb.NameRequest(name=name)), _SHOWN, json=json)


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
def alias(
    name: Name,
    of: Annotated[str, Argument("The domain whose addresses it gets.", metavar="DOMAIN")] = "",
    off: Annotated[bool, Option("--off", help="It has addresses of its own again.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make a domain an alias of another one: name@alias is name@DOMAIN, to receive and to send."""
    if bool(of) == off:
        raise CommandFailed("give the other domain, or --off", UNUSABLE)
    show(call(data, "AliasDomain", lambda pb: pb.AliasDomainRequest(name=name, domain=of)), _FIELDS, json=json)


@app.command("set")
def set_value(
    name: Name,
    value_name: Annotated[str, Argument("A value: `mailfold domain values` lists them.", metavar="VALUE")],
    text: Annotated[str, Argument("Its text; empty restores the default.", metavar="TEXT")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give a value to a domain, such as its catch-all."""
    changed = call(
        data, "SetDomainValue", lambda pb: pb.DomainValueRequest(name=name, value_name=value_name, value=text)
    )
    show(changed, _SHOWN, json=json)


@app.command()
def values(data: Data = DATA, json: Json = False) -> None:
    """List the values that a domain may have."""
    from shared.routing.domain_values import DOMAIN_VALUES

    listed = [(value.name, value.default, value.meaning) for value in DOMAIN_VALUES.values()]
    fields = ("name", "default", "meaning")
    as_json([dict(zip(fields, row, strict=True)) for row in listed]) if json else table(fields, listed, "")


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
    """Remove a domain that has no addresses and no domain as its alias."""
    show_removed(call(data, "RemoveDomain", lambda pb: pb.NameRequest(name=name)).name, json=json)


app.command()(signature)
