"""`mailfold deadletters …`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mailfold.commands.options import DATA, Data, Json
from mailfold.commands.printing import as_json, record, table
from mailfold.layouts import OWNERS
from mailfold.operator.failure import CommandFailed
from mailfold.operator.running import answers
from mailfold.operator.session import Session, converse, each_write
from mailfold.trace.times import moment
from shared.grpc.errors import NotFound, ServiceError

app = typer.Typer(
    no_args_is_help=True,
    help="Steps that were refused or failed each time. They are tried again now and then, and leave the list when done.",
)
Id = Annotated[str, typer.Argument(help="The dead letter's id, from `mailfold deadletters list`.")]


@app.command("list")
def list_all(
    retried: Annotated[
        bool, typer.Option("--retried", help="Those that were done since, too, on demand or by themselves.")
    ] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """All that wait, of every service."""
    letters = converse(data, lambda session: _all(session, include_retried=retried))
    if json:
        as_json([_fields(one) for one in letters])
        return
    rows = [
        (one.id, one.service, one.what, one.queue_id, moment(one.at), one.attempts, one.error.splitlines()[0][:120])
        for one in letters
    ]
    table(("id", "service", "step", "queue id", "since", "attempts", "error"), rows, "there are no dead letters")


@app.command("show")
def show_one(letter: Id, data: Data = DATA, json: Json = False) -> None:
    """One, with its whole error and payload."""
    _, found = converse(data, lambda session: _found(session, letter))
    values = {**_fields(found), "payload": found.payload.decode("utf-8", "replace")}
    as_json(values) if json else record({**values, "at": moment(found.at)})


@app.command()
def retry(
    letters: Annotated[list[str] | None, typer.Argument(help="Ids.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every one that waits.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Have the steps done now; a mail held by one moves on. Exit code 1 when one fails again."""
    if not letters and not everything:
        raise CommandFailed("which? Give ids, or --all", 2)
    results = converse(data, lambda session: _retry(session, letters or [], everything=everything))
    if json:
        as_json([{"id": identity, "error": error} for identity, error in results])
    else:
        table(
            ("id", "result"), [(identity, error or "done") for identity, error in results], "there are no dead letters"
        )
    if any(error for _, error in results):
        raise typer.Exit(1)


async def _all(session: Session, *, include_retried: bool) -> list[Any]:
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    request = owner_pb2.ListDeadLettersRequest(include_retried=include_retried)
    found = [
        letter
        for service in OWNERS
        for letter in (await (await _stub(session, service)).ListDeadLetters(request)).letters
    ]
    return sorted(found, key=lambda letter: letter.at)


async def _found(session: Session, identity: str) -> tuple[str, Any]:
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    for service in OWNERS:
        try:
            return service, await (await _stub(session, service)).ShowDeadLetter(
                owner_pb2.DeadLetterRequest(id=identity)
            )
        except NotFound:
            continue
    raise CommandFailed(f"there is no dead letter {identity}; `mailfold deadletters list` shows them")


async def _retry(session: Session, identities: Sequence[str], *, everything: bool) -> list[tuple[str, str]]:
    chosen = [one.id for one in await _all(session, include_retried=False)] if everything else identities
    return [(identity, await _retried(session, identity)) for identity in chosen]


async def _retried(session: Session, identity: str) -> str:
    """Empty when it was done, else why not."""
    from shared.rpc.mailfold.owner.v1 import owner_pb2

    service, _ = await _found(session, identity)
    if not answers(session.places, service):
        return f"{service} does not run: steps are done again by the running server; start it with `mailfold up`"
    try:
        with each_write():
            await (await _stub(session, service)).RetryDeadLetter(owner_pb2.DeadLetterRequest(id=identity))
    except ServiceError as error:
        return error.message
    return ""


async def _stub(session: Session, service: str) -> Any:
    from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub

    return OwnerStub(await session.owner(service))


def _fields(letter: Any) -> dict[str, Any]:
    names = ("id", "service", "what", "queue_id", "error", "attempts", "at", "retried")
    return {name: getattr(letter, name) for name in names}
