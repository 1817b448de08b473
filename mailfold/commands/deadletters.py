"""`mailfold deadletters …`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.operator.failure import CommandFailed

if TYPE_CHECKING:
    from shared.rpc.mailfold.owner.v1 import owner_pb2

app = Group(
    "Steps that were refused or failed each time. They are repeated rarely, and leave the list when they succeed."
)
Id = Annotated[str, Argument("The dead letter's id, from `mailfold deadletters list`.")]


@app.command("list")
def list_all(
    retried: Annotated[bool, Option("--retried", help="Also list those that are resolved.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the dead letters of all services."""
    from mailfold.commands.printing import as_json, table
    from mailfold.operator.dead_letters import all_dead_letters
    from mailfold.operator.session import converse
    from mailfold.texts import moment

    dead_letters = converse(data, lambda session: all_dead_letters(session, include_retried=retried))
    if json:
        as_json([_fields(row) for row in dead_letters])
        return
    rows = [
        (row.id, row.service, row.what, row.queue_id, moment(row.at), row.attempts, row.error.splitlines()[0][:120])
        for row in dead_letters
    ]
    table(("id", "service", "step", "queue id", "since", "attempts", "error"), rows, "there are no dead letters")


@app.command("show")
def show_named(dead_letter: Id, data: Data = DATA, json: Json = False) -> None:
    """Show one dead letter with its whole error and payload."""
    from mailfold.commands.printing import as_json, record
    from mailfold.operator.dead_letters import dead_letter_of
    from mailfold.operator.session import converse
    from mailfold.texts import moment

    _, shown = converse(data, lambda session: dead_letter_of(session, dead_letter))
    values = {**_fields(shown), "payload": shown.payload.decode("utf-8", "replace")}
    as_json(values) if json else record({**values, "at": moment(shown.at)})


@app.command()
def retry(
    dead_letters: Annotated[list[str] | None, Argument("Ids.")] = None,
    everything: Annotated[bool, Option("--all", help="All dead letters.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Retry steps now; when they succeed, the mail is no longer held. Exit code 1 when one fails again."""
    if not dead_letters and not everything:
        raise CommandFailed("which ones? Give ids, or --all", 2)
    from mailfold.commands.printing import as_json, table
    from mailfold.operator.dead_letters import retry as retry_dead_letters
    from mailfold.operator.session import converse

    results = converse(data, lambda session: retry_dead_letters(session, dead_letters or [], everything=everything))
    if json:
        as_json([{"id": identity, "error": error} for identity, error in results])
    else:
        table(
            ("id", "result"), [(identity, error or "done") for identity, error in results], "there are no dead letters"
        )
    if any(error for _, error in results):
        raise SystemExit(1)


def _fields(dead_letter: owner_pb2.DeadLetter) -> dict[str, object]:
    names = ("id", "service", "what", "queue_id", "error", "attempts", "at", "retried")
    return {name: getattr(dead_letter, name) for name in names}
