"""`mailfold history` and `mailfold revert`"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.printing import as_json, record, table
from mailfold.operator.failure import REFUSED, UNUSABLE, CommandFailed
from mailfold.texts import moment

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_FIELDS = ("number", "at", "actor", "command", "type", "object", "before", "after")
_MOST_REFUSALS = 1_000
_KINDS = (
    "domain, user, account, alias, list, group, application, relay or key (of a domain), senders (of an account or "
    "`server`), or setting."
)


def history(
    kind: Annotated[str, Argument(_KINDS)],
    name: Annotated[str, Argument("Its name, address or id, also one that was removed; `default`: the default relay.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show every change of an object: when, by whom, and what was there before."""
    from mailfold.operator.session import converse

    async def body(session: Session) -> list[dict[str, Any]]:
        from shared.rpc.mailfold.directory.v1.bulk_pb2 import HistoryRequest

        pages = (await _stub(session, reads_only=True)).ShowHistory(HistoryRequest(kind=kind, name=name))
        return [_values(change) async for page in pages for change in page.changes]

    changes = converse(data, body)
    if json:
        as_json(changes)
        return
    fields = ("number", "at", "actor", "type", "change", "command")
    table(fields, [[_shown(change)[field] for field in fields] for change in changes])


def revert(
    number: Annotated[int, Argument("The number of a change, from `mailfold history`.")] = 0,
    command: Annotated[str, Option("--command", help="Undo all changes of a command, such as an import.")] = "",
    dry_run: Annotated[bool, Option("--dry-run", help="With --command: try it on a copy, and change nothing.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Undo one change, or all of a command, where it is still as the change left it."""
    if bool(number) == bool(command) or (dry_run and not command):
        raise CommandFailed("give the number of a change, or --command ID (and then perhaps --dry-run)", UNUSABLE)
    if command:
        _revert_command(command, data, dry_run=dry_run, json=json)
        return
    from mailfold.commands.directory import call

    change = _values(call(data, "RevertChange", lambda pb: pb.RevertChangeRequest(number=number), contract="Bulk"))
    as_json(change) if json else record(_shown(change))


def _revert_command(command: str, data: Any, *, dry_run: bool, json: bool) -> None:
    from mailfold.operator.session import converse

    async def body(session: Session) -> tuple[int, int, list[dict[str, Any]]]:
        from shared.rpc.mailfold.directory.v1.bulk_pb2 import RevertCommandRequest

        reverted, refused, refusals = 0, 0, list[dict[str, Any]]()
        stub = await _stub(session, reads_only=dry_run)
        async for page in stub.RevertCommand(RevertCommandRequest(command=command, trial=dry_run)):
            reverted, refused = reverted + page.reverted, refused + len(page.refusals)
            room = _MOST_REFUSALS - len(refusals)
            refusals += [{**_values(refusal.change), "reason": refusal.text} for refusal in page.refusals[:room]]
        return reverted, refused, refusals

    reverted, refused, refusals = converse(data, body)
    values = {"command": command, "reverted": reverted, "left": refused, "dry_run": dry_run}
    if json:
        as_json({**values, "refusals": refusals})
    else:
        fields = ("number", "type", "object", "reason")
        if refusals:
            table(fields, [[refusal[field] for field in fields] for refusal in refusals])
        record(values)
    if refused:
        raise SystemExit(REFUSED)


async def _stub(session: Session, *, reads_only: bool = False) -> Any:
    from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import BulkStub

    return BulkStub(await session.owner("directory", reads_only=reads_only))


def _values(change: Any) -> dict[str, Any]:
    values = {field: getattr(change, field) for field in _FIELDS}
    return {
        name: dict(sorted(value.items())) if isinstance(value, Mapping) else value for name, value in values.items()
    }


def _shown(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change for people."""
    return {
        "number": change["number"],
        "at": moment(change["at"]),
        "actor": change["actor"],
        "type": change["type"],
        "object": change["object"],
        "change": _words(change["before"], change["after"]),
        "command": change["command"],
    }


def _words(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The values before and after, such as `disabled: no → yes`."""
    return "; ".join(
        f"{name}: {before[name]} → {after.get(name, 'none')}" if name in before else f"{name}: {after[name]}"
        for name in dict.fromkeys((*after, *before))
    )
