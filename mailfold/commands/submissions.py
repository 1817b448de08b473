"""`mailfold submissions …`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Data, Group, Json, Option
from mailfold.operator.failure import CommandFailed
from mailfold.operator.submissions import SubmissionChoice
from mailfold.texts import moment, printable

if TYPE_CHECKING:
    from shared.rpc.mailfold.ingress.v1 import ingress_pb2

app = Group("Mail of users that waits for its release: for a time that its sender chose, or in the time to undo.")
All = Annotated[bool, Option("--all", help="All waiting mail, when neither ids nor filters are given.")]
_COLUMNS = ("queue id", "sender", "recipients", "subject", "released at", "because")
_FIELDS = (
    *("queue_id", "at", "release_at", "account", "sender", "more_recipients", "subject", "size"),
    *("requested", "suspended"),
)
_WIDTH = 60


@app.command("list")
def list_all(
    choice: SubmissionChoice,
    limit: Annotated[int, Option("--limit", help="Number of mails.", minimum=1, maximum=1_000)] = 100,
    after: Annotated[str, Option("--after", help="Begin behind this queue id, for the next page.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List mail that was accepted from users and waits for its release, oldest first."""
    from mailfold.commands.printing import as_json, table
    from mailfold.operator.session import converse
    from mailfold.operator.submissions import waiting

    page = converse(data, lambda session: waiting(session, choice, limit, after))
    if json:
        as_json({"submissions": [_values(mail) for mail in page.submissions], "next": page.next})
        return
    table(_COLUMNS, [_row(mail) for mail in page.submissions], "no mail waits for its release")
    if page.next:
        print(f"\nthe next page: --after {page.next}")


@app.command()
def release(choice: SubmissionChoice, everything: All = False, data: Data = DATA, json: Json = False) -> None:
    """Release mail now, before its time. From then on it is delivered like any other."""
    _change(data, "ReleaseWaiting", choice, everything=everything, json=json, done="released")


@app.command()
def cancel(
    choice: SubmissionChoice,
    because: Annotated[str, Option("--because", help="Your reason; it is kept with the mail.")] = "",
    everything: All = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Take mail back for good before its release. Nobody gets it, and nobody is notified."""
    _change(data, "CancelWaiting", choice, because, everything=everything, json=json, done="cancelled")


def _change(
    data: Path, method: str, choice: SubmissionChoice, because: str = "", *, everything: bool, json: bool, done: str
) -> None:
    """Carry out a change; exit code 1 when nothing was changed, or a mail that was named does not wait."""
    if not everything and not any(choice):
        raise CommandFailed("which mails? Give queue ids or filters, or --all", 2)
    from mailfold.commands.printing import as_json
    from mailfold.operator.session import converse
    from mailfold.operator.submissions import change_waiting

    reply = converse(data, lambda session: change_waiting(session, method, choice, because, everything=everything))
    others = [{"queue_id": mail.queue_id, "reason": where_it_is(mail)} for mail in reply.not_waiting]
    if json:
        as_json({"changed": reply.changed, "queue_ids": list(reply.queue_ids), "not_waiting": others})
    else:
        print(f"{reply.changed} {'mail' if reply.changed == 1 else 'mails'} {done}")
        for mail in others:
            print(printable(f"{mail['queue_id']}: {mail['reason']}"))
    if not reply.changed or others:
        raise SystemExit(1)


def where_it_is(mail: ingress_pb2.NotWaiting) -> str:
    """Why a mail does not wait, and what can be done."""
    next_step = f"the queue may have it: `mailfold queue cancel {mail.queue_id}`, or `mailfold trace {mail.queue_id}`"
    match mail.state:
        case "released":
            by = f" by {mail.actor}" if mail.actor != "ingress" else ""
            return f"it was released at {moment(mail.at)}{by}; {next_step}"
        case "cancelled":
            return f"it was cancelled at {moment(mail.at)} by {mail.actor}"
        case "waiting":
            return "it waits, but does not fit the filter"
        case "suspended":
            return "its account is not in use: enable or restore the account, or cancel the mail"
        case "delivered at once":
            return f"it was accepted at {moment(mail.at)} and never held; {next_step}"
        case _:
            return "no mail has this queue id; `mailfold submissions list` shows what waits"


def _row(mail: ingress_pb2.WaitingSubmission) -> tuple[object, ...]:
    more = f" and {mail.more_recipients} more" if mail.more_recipients else ""
    because = "its sender chose it" if mail.requested else "time to undo"
    because = "suspended: its account is not in use" if mail.suspended else because
    recipients, subject = ", ".join(mail.recipients)[:_WIDTH] + more, mail.subject[:_WIDTH]
    return mail.queue_id, mail.sender or "<>", recipients, subject, moment(mail.release_at)[:19], because


def _values(mail: ingress_pb2.WaitingSubmission) -> Mapping[str, Any]:
    return {field: getattr(mail, field) for field in _FIELDS} | {"recipients": list(mail.recipients)}
