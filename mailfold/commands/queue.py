"""`mailfold queue …`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.hold_rules import app as hold_rules
from mailfold.operator.failure import CommandFailed
from mailfold.operator.queue_choice import QueueChoice
from mailfold.texts import printable

if TYPE_CHECKING:
    from mailfold.operator.session import Session

app = Group("The queue of mail to other servers: what waits, what became of it, and how to change that.")
All = Annotated[bool, Option("--all", help="All entries, when neither ids nor filters are given.")]
Because = Annotated[str, Option("--because", help="Your reason; it is kept with the mail.")]


@app.command("list")
def list_all(
    choice: QueueChoice,
    limit: Annotated[int, Option("--limit", help="Number of entries.", minimum=1, maximum=10_000)] = 100,
    after: Annotated[str, Option("--after", help="Begin behind this entry id, for the next page.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List mail that waits or is held, oldest first. Mail that has ended is not listed; `show` and `trace` know it."""
    from mailfold.commands.printing import as_json
    from mailfold.commands.queue_printing import listed, print_list
    from mailfold.operator.outbound_queue import entries
    from mailfold.operator.session import converse

    page = converse(data, lambda session: entries(session, choice, limit, after))
    as_json(listed(page)) if json else print_list(page)


@app.command()
def show(
    identity: Annotated[str, Argument("An entry id, or the queue id of a mail for all its recipients.", metavar="ID")],
    transcript: Annotated[
        bool, Option("--transcript", help="Also print the lines of the last connection of each attempt.")
    ] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show where a mail is for each recipient, until when, and each attempt with the replies and the TLS."""
    from mailfold.commands.printing import as_json
    from mailfold.commands.queue_printing import fields, print_histories
    from mailfold.operator.outbound_queue import histories_of
    from mailfold.operator.session import converse

    histories = converse(data, lambda session: histories_of(session, identity))
    if json:
        as_json([fields(history) for history in histories.entries])
    else:
        print_histories(histories, transcript=transcript)


@app.command()
def retry(choice: QueueChoice, everything: All = False, data: Data = DATA, json: Json = False) -> None:
    """Try to send waiting mail now, also to a destination that did not answer before."""
    _change(data, "Retry", choice, everything=everything, json=json, done="due now")


@app.command()
def hold(
    choice: QueueChoice, because: Because = "", everything: All = False, data: Data = DATA, json: Json = False
) -> None:
    """Hold waiting mail until it is released. The time on hold does not count as its age."""
    _change(data, "Hold", choice, because, everything=everything, json=json, done="held")


@app.command()
def release(choice: QueueChoice, everything: All = False, data: Data = DATA, json: Json = False) -> None:
    """Release held mail: it is due now, and its age begins now."""
    _change(data, "Release", choice, everything=everything, json=json, done="released")


@app.command()
def cancel(
    choice: QueueChoice, because: Because = "", everything: All = False, data: Data = DATA, json: Json = False
) -> None:
    """Take mail out of the queue for good; nobody is notified."""
    _change(data, "Cancel", choice, because, everything=everything, json=json, done="cancelled")


@app.command()
def bounce(
    choice: QueueChoice,
    because: Annotated[str, Option("--because", help="The reason that the sender reads in the report.")] = "",
    everything: All = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Take mail out of the queue for good and return it to its sender with a report."""
    _change(data, "Bounce", choice, because, everything=everything, json=json, done="bounced")


@app.command()
def pause(
    because: Annotated[str, Option("--because", help="Your reason; `queue list` shows it.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Stop all sending. Mail is still accepted and kept; mail that is being sent now is finished."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import PauseRequest

    _switch(data, "Pause", PauseRequest(reason=because), json=json)


@app.command()
def resume(data: Data = DATA, json: Json = False) -> None:
    """Resume sending."""
    from shared.rpc.mailfold.outbound.v1.outbound_pb2 import ResumeRequest

    _switch(data, "Resume", ResumeRequest(), json=json)


app.commands["hold-rule"] = hold_rules


def _change(
    data: Path, method: str, choice: QueueChoice, because: str = "", *, everything: bool, json: bool, done: str
) -> None:
    """Carry out a change; exit code 1 when no entry was changed."""
    if not everything and not any(choice):
        raise CommandFailed("which entries? Give ids or filters, or --all", 2)
    from mailfold.commands.printing import as_json
    from mailfold.commands.queue_printing import print_changed
    from mailfold.operator.outbound_queue import change
    from mailfold.operator.session import converse

    reply = converse(data, lambda session: change(session, method, choice, because, everything=everything))
    if json:
        as_json({"changed": reply.changed, "in_hand": reply.in_hand, "entries": list(reply.entries)})
    else:
        print_changed(reply, done)
    if not reply.changed:
        raise SystemExit(1)


def _switch(data: Path, method: str, request: Any, *, json: bool) -> None:
    from mailfold.commands.printing import as_json
    from mailfold.operator.session import converse

    async def ask(session: Session) -> Any:
        from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import OutboundStub

        stub = OutboundStub(await session.running("outbound"))
        return await getattr(stub, method)(request)

    reply = converse(data, ask)
    if json:
        as_json({"paused": reply.paused, "reason": reply.reason})
    elif reply.paused:
        print(printable(f"sending is paused{f': {reply.reason}' if reply.reason else ''}; `queue resume` ends it"))
    else:
        print("mail is sent")
