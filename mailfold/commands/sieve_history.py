"""`mailfold sieve history`, `diff` and `revert`: earlier versions of scripts."""

from __future__ import annotations

from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.printing import as_json
from mailfold.commands.sieve_printing import print_changed, print_changes, print_source
from mailfold.operator.failure import CommandFailed
from mailfold.operator.scripts import ScriptOwner, converse_about

_PAGE = 200
_MOST_CHANGES = 1000
Name = Annotated[str, Argument("The name of the script.")]


def history(
    owner: ScriptOwner,
    name: Annotated[str, Argument("Only the changes of the script that has or had this name last.")] = "",
    limit: Annotated[int, Option("--limit", help="Number of changes.", minimum=1, maximum=_MOST_CHANGES)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show when, by whom and how scripts were changed, the newest change first."""

    async def body(pb: Any, stub: Any, identity: str) -> list[Any]:
        return await _changes(pb, stub, identity, name, limit)

    print_changes(converse_about(data, owner, body), json=json)


def diff(
    owner: ScriptOwner,
    name: Name,
    change: Annotated[
        str, Argument("The version that this change made: an id of `sieve history`. Without it: the one before.")
    ] = "",
    other: Annotated[str, Argument("The version to compare it with. Without it: the present one.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show what differs between two versions of a script, as a unified diff."""

    async def body(pb: Any, stub: Any, identity: str) -> tuple[Any, Any]:
        new = await _version(pb, stub, identity, name, other)
        old = change or await _version_before(pb, stub, identity, name, new.change)
        return await _version(pb, stub, identity, name, old), new

    old, new = converse_about(data, owner, body)
    text = _unified(old, new)
    if json:
        as_json({"from": old.change, "to": new.change, "diff": text})
    elif text:
        print_source(text)
    else:
        print("the versions do not differ")


def revert(
    owner: ScriptOwner,
    name: Name,
    change: Annotated[str, Argument("The change whose version the script gets again: an id of `sieve history`.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Store an earlier version of a script once more, also of one that was deleted."""

    async def body(pb: Any, stub: Any, identity: str) -> Any:
        return await stub.RevertScript(pb.RevertScriptRequest(owner=identity, name=name, change=change))

    reply = converse_about(data, owner, body)
    print_changed(f"{name} of {owner} is the version of {change} again", reply, json=json)


async def _changes(pb: Any, stub: Any, identity: str, name: str, limit: int) -> list[Any]:
    """The newest changes, of a script or of all."""
    listed: list[Any] = []
    before = ""
    while len(listed) < limit:
        most = min(_PAGE, limit - len(listed))
        request = pb.ListScriptChangesRequest(owner=identity, name=name, before=before, limit=most)
        page = await stub.ListScriptChanges(request)
        listed += page.changes
        before = page.next
        if not before:
            break
    return listed


async def _version(pb: Any, stub: Any, identity: str, name: str, change: str) -> Any:
    """A version of the script; without a change the present one."""
    request = pb.GetScriptRequest(owner=identity, change=change) if change else None
    reply = await stub.GetScript(request or pb.GetScriptRequest(owner=identity, name=name))
    return reply.script


async def _version_before(pb: Any, stub: Any, identity: str, name: str, change: str) -> str:
    """The id of the change that made the version before this one. Raises CommandFailed."""
    puts = [known.id for known in await _changes(pb, stub, identity, name, _MOST_CHANGES) if known.type == "put"]
    earlier = puts[puts.index(change) + 1 :] if change in puts else []
    if not earlier:
        raise CommandFailed(f"no earlier version of {name} is known")
    return str(earlier[0])


def _unified(old: Any, new: Any) -> str:
    from difflib import unified_diff

    names = (f"{version.name} {version.change}" for version in (old, new))
    lines = (version.source.splitlines(keepends=True) for version in (old, new))
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in unified_diff(*lines, *names))
