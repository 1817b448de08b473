"""`mailfold sieve …`: the Sieve scripts of accounts and of the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.sieve_apply import applications, apply, undo
from mailfold.commands.sieve_dry_run import test
from mailfold.commands.sieve_history import diff, history, revert
from mailfold.commands.sieve_printing import (
    placed,
    print_changed,
    print_checked,
    print_places,
    print_script,
    print_scripts,
)
from mailfold.commands.sieve_what_if import what_if
from mailfold.operator.failure import REFUSED, CommandFailed
from mailfold.operator.scripts import (
    AfterAccounts,
    BeforeAccounts,
    ScriptFile,
    ScriptOwner,
    account_addresses,
    converse_about,
    place_for,
    read_script,
    script_contract,
    settings_here,
)

if TYPE_CHECKING:
    from mailfold.operator.session import Session

app = Group("Sieve scripts, which file, forward, refuse and answer mail: those of accounts and those of the server.")
_PAGE = 1000
Name = Annotated[str, Argument("The name of the script: any text up to 128 characters.")]


@app.command()
def put(
    owner: ScriptOwner,
    name: Name,
    file: ScriptFile,
    activate: Annotated[bool, Option("--activate", help="Let it run over mail from now on.")] = False,
    before: BeforeAccounts = False,
    after: AfterAccounts = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Store a script under a name; one with errors is not stored. In a place the new version runs at once."""
    place = place_for(owner, before=before, after=after, needed=activate)
    source = read_script(file)

    async def body(pb: Any, stub: Any, identity: str) -> tuple[Any, Any]:
        from shared.grpc.errors import Invalid

        request = pb.PutScriptRequest(
            owner=identity, name=name, source=source, activate=activate or bool(place), place=place
        )
        try:
            return await stub.PutScript(request), None
        except Invalid as invalid:
            if invalid.reason != "SCRIPT":
                raise
        return None, await stub.CheckScript(pb.CheckScriptRequest(owner=identity, source=source))

    reply, checked = converse_about(data, owner, body)
    if checked is not None:
        print_checked(file, checked.errors, checked.warnings, (), json=json)
        raise SystemExit(REFUSED)
    print_changed(f"stored {name} of {owner}{_in(reply.script.places)}", reply, json=json)


@app.command()
def get(
    owner: ScriptOwner,
    name: Annotated[
        str, Argument("The name of the script. Without it: the one that is active, or --before, --after.")
    ] = "",
    change: Annotated[
        str, Option("--change", help="The version that this change made: an id of `sieve history`.")
    ] = "",
    before: BeforeAccounts = False,
    after: AfterAccounts = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Print a script as it was stored."""
    place = place_for(owner, before=before, after=after, needed=not (name or change))

    async def body(pb: Any, stub: Any, identity: str) -> Any:
        chosen = {"name": name} if name else {"place": place or "active"}
        return await stub.GetScript(pb.GetScriptRequest(owner=identity, change=change, **chosen))

    script = converse_about(data, owner, body).script
    print_script(script, json=json)


@app.command("list")
def list_scripts(
    owner: Annotated[
        str, Argument("The address or id of the account; `server`. Without it: the scripts in places, of all.")
    ] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the scripts of an account or of the server, or which scripts run over mail at all."""
    if not owner:
        _list_places(data, json=json)
        return

    async def body(pb: Any, stub: Any, identity: str) -> Any:
        return await stub.ListScripts(pb.ListScriptsRequest(owner=identity))

    print_scripts(converse_about(data, owner, body).scripts, json=json)


@app.command()
def activate(
    owner: ScriptOwner,
    name: Name,
    before: BeforeAccounts = False,
    after: AfterAccounts = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Let a script run over mail from now on, instead of the one in its place."""
    place = place_for(owner, before=before, after=after, needed=True)
    reply = _call(data, owner, "ActivateScript", name=name, place=place)
    print_changed(f"{name} of {owner} runs over mail from now on", reply, json=json)


@app.command()
def deactivate(
    owner: ScriptOwner,
    before: BeforeAccounts = False,
    after: AfterAccounts = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Let no script run over mail any more, of an account or in a place of the server."""
    place = place_for(owner, before=before, after=after, needed=True)
    reply = _call(data, owner, "ActivateScript", name="", place=place)
    print_changed(
        f"no script of {owner} runs over mail{f' {place} those of accounts' if place else ''}", reply, json=json
    )


@app.command()
def delete(owner: ScriptOwner, name: Name, data: Data = DATA, json: Json = False) -> None:
    """Delete a script that does not run over mail. `mailfold sieve revert` brings it back."""
    print_changed(f"deleted {name} of {owner}", _call(data, owner, "DeleteScript", name=name), json=json)


@app.command()
def rename(
    owner: ScriptOwner,
    name: Name,
    new_name: Annotated[str, Argument("The new name.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give a script another name. One that runs over mail goes on to do so."""
    reply = _call(data, owner, "RenameScript", name=name, new_name=new_name)
    print_changed(f"{name} of {owner} is now {new_name}", reply, json=json)


@app.command()
def check(file: ScriptFile, data: Data = DATA, json: Json = False) -> None:
    """Compile a script with the settings of the server, and print all its errors. The server need not run."""
    from shared.protocol.sieve.diagnostic import InvalidScript
    from shared.scripts.storable import storable

    source, settings = read_script(file), settings_here(data)
    if len(source) > settings.script_octets:
        raise CommandFailed(f"the script has {len(source)} octets, and may have {settings.script_octets}")
    try:
        program = storable(source, settings.extensions, settings.limits).program
    except InvalidScript as invalid:
        print_checked(file, placed(invalid.errors), placed(invalid.warnings), (), json=json)
        raise SystemExit(REFUSED) from invalid
    print_checked(file, (), placed(program.warnings), sorted(program.extensions), json=json)


app.command()(test)
app.command("what-if")(what_if)
app.command()(history)
app.command()(diff)
app.command()(revert)
app.command()(apply)
app.command()(applications)
app.command()(undo)


def _call(data: Path, owner: str, method: str, **fields: str) -> Any:
    """The reply to a method that changes an owner's scripts."""

    async def body(pb: Any, stub: Any, identity: str) -> Any:
        return await getattr(stub, method)(getattr(pb, f"{method}Request")(owner=identity, **fields))

    return converse_about(data, owner, body)


def _list_places(data: Path, *, json: bool) -> None:
    async def body(session: Session) -> tuple[list[Any], dict[str, str]]:
        pb, stub = await script_contract(session)
        listed: list[Any] = []
        after, is_last = "", False
        while not is_last:
            page = await stub.ListPlaces(pb.ListPlacesRequest(after=after, limit=_PAGE))
            listed += page.places
            after, is_last = page.next, not page.next
        return listed, await account_addresses(session) if listed else {}

    from mailfold.operator.session import converse

    print_places(*converse(data, body), json=json)


def _in(places: Sequence[str]) -> str:
    return f", in the place {' and '.join(places)}" if places else ""
