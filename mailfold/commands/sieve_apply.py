"""`mailfold sieve apply`, `applications` and `undo`: a script over the mail that a mailbox has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.printing import as_json, table
from mailfold.commands.progress import shown_progress
from mailfold.commands.removed_mail import uid_ranges
from mailfold.operator.failure import UNUSABLE, CommandFailed
from mailfold.operator.queue_choice import account_id
from mailfold.operator.scripts import read_script
from mailfold.texts import counted, moment, printable
from mailfold.texts import since as time_of

if TYPE_CHECKING:
    from mailfold.operator.session import Session

_COUNTS = ("examined", "moved", "copied", "flagged", "discarded", "unchanged", "failed", "passed_over")
_UNDONE = ("moved_back", "flags_restored", "copies_removed", "mailboxes_removed", "skipped")
_SINGULAR = {"copies": "copy", "mailboxes": "mailbox"}
_COLUMNS = ("id", "begun", "mailbox", "script", "state", *_COUNTS[:5], "failed")
Account = Annotated[str, Argument("The address of the account.")]
Ask = Callable[[Any, Any, str], AsyncIterator[Any]]
"""Gets the contract's module, its stub and the id of the account."""


class MessageFilter(NamedTuple):
    """Which messages of the mailbox."""

    mailbox: Annotated[str, Option("--mailbox", help="The mailbox.")] = "INBOX"
    uid: Annotated[str, Option("--uid", help="Only these UIDs, such as 5,7:9.")] = ""
    since: Annotated[
        str, Option("--since", help="Only messages with a date from then on: 30m, 2h, 1d ago, or 2026-11-23T10:00.")
    ] = ""
    limit: Annotated[
        int, Option("--limit", help="Only so many messages, the oldest first; 0: all.", minimum=0, maximum=2**32 - 1)
    ] = 0


def apply(
    account: Account,
    choice: MessageFilter,
    script: Annotated[str, Argument("The name of one of the account's scripts. Without it: --file.")] = "",
    file: Annotated[str, Option("--file", help="A file with a script, which is not stored; `-`: the input.")] = "",
    dry_run: Annotated[bool, Option("--dry-run", help="Only count what would be done.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Run a script over messages that a mailbox has, and file them. `mailfold sieve undo` brings them back.

    Messages stay (keep), are moved or copied (fileinto), get flags, or go to Trash (discard). What cannot be called
    back is left out and counted: redirect, reject, vacation, notify, and changes of messages. It goes on when this
    command is interrupted.
    """
    if bool(script) == bool(file):
        raise CommandFailed("which script? Give its name, or --file", UNUSABLE)
    source = read_script(file) if file else b""
    bounds = [bound for span in uid_ranges(choice.uid) for bound in span] if choice.uid else []
    since = time_of(choice.since, time_ns() // 1000) if choice.since else 0

    def ask(pb: Any, stub: Any, identity: str) -> AsyncIterator[Any]:
        request = pb.ApplyScriptRequest(
            account=identity,
            mailbox=choice.mailbox,
            script=script,
            source=source,
            uid_bounds=bounds,
            since=since,
            limit=choice.limit,
            dry_run=dry_run,
        )
        replies: AsyncIterator[Any] = stub.ApplyScript(request)
        return replies

    done = _followed(data, account, ask, "examined", lambda row: (row.examined, row.total))
    _show(done, json=json)
    if done.state == "stopped":
        raise CommandFailed(f"it ended before its last message: {done.reason}")


def applications(account: Account, data: Data = DATA, json: Json = False) -> None:
    """List the applications of scripts to an account that can be undone, or run, the latest first."""
    from mailfold.operator.session import converse

    async def ask(session: Session) -> Any:
        pb, stub = await _contract(session)
        return await stub.ListApplications(pb.ListApplicationsRequest(account=await account_id(session, account)))

    listed = converse(data, ask).applications
    if json:
        as_json([_values(row) for row in listed])
        return
    table(_COLUMNS, [_row(row) for row in listed], "no script was applied to this account's mail, or none is kept")


def undo(
    application: Annotated[str, Argument("The id that `mailfold sieve applications` lists.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Undo an application of a script; one that runs is stopped first.

    Messages that are still where it put them come back, with the flags they had; copies, and mailboxes that it made and
    that are empty, are removed. What was moved, changed or removed since is skipped and counted.
    """

    def ask(pb: Any, stub: Any, _identity: str) -> AsyncIterator[Any]:
        replies: AsyncIterator[Any] = stub.UndoApplication(pb.UndoApplicationRequest(id=application))
        return replies

    done = _followed(data, "", ask, "undone", lambda row: (_messages_undone(row), _messages_filed(row)))
    _show(done, json=json)
    if done.state == "stopped":
        raise CommandFailed(f"not all is undone: {done.reason}")


def _followed(data: Path, account: str, ask: Ask, what: str, figures: Callable[[Any], tuple[int, int]]) -> Any:
    """The last reply; until then the progress is shown."""
    from mailfold.operator.session import converse

    async def follow(session: Session) -> Any:
        pb, stub = await _contract(session)
        last: Any = None
        with shown_progress() as progress:
            async for row in ask(pb, stub, await account_id(session, account) if account else ""):
                progress(what, *figures(row))
                last = row
        return last

    return converse(data, follow)


async def _contract(session: Session) -> tuple[Any, Any]:
    from shared.rpc.mailfold.mailstore.v1 import applying_pb2
    from shared.rpc.mailfold.mailstore.v1.applying_pb2_grpc import ApplyingStub

    return applying_pb2, ApplyingStub(await session.running("mailstore"))


def _show(row: Any, *, json: bool) -> None:
    if json:
        as_json(_values(row))
        return
    words = ", ".join(f"{getattr(row, name)} {name.replace('_', ' ')}" for name in _COUNTS if getattr(row, name))
    print(
        f"{row.id or 'dry run'}: {printable(row.mailbox)}, {counted(row.total, 'message')}: {words or 'nothing to do'}"
    )
    for filed in row.filed:
        print(f"  into {printable(filed.mailbox)}: {filed.messages}")
    if row.left_out:
        print(f"  left out: {', '.join(f'{number} {kind}' for kind, number in sorted(row.left_out.items()))}")
    for error in row.errors:
        line = f" in line {error.line}" if error.line else ""
        print(f"  left alone because of an error{line}, UID {error.uid}: {printable(error.text)}")
    _show_undone(row)


def _show_undone(row: Any) -> None:
    if row.state in ("undoing", "undone"):
        words = ", ".join(_undone_words(row.undone))
        print(f"  {row.state}: {words or 'there was nothing to undo'}")
    elif row.id and _messages_filed(row):
        print(f"  to undo it: mailfold sieve undo {row.id}")


def _undone_words(undone: Any) -> Iterator[str]:
    for name in _UNDONE:
        number = getattr(undone, name)
        thing, _, done = name.partition("_")
        if number and thing in _SINGULAR:
            yield f"{counted(number, _SINGULAR[thing], thing)} {done}"
        elif number:
            yield f"{number} {name.replace('_', ' ')}"


def _messages_filed(row: Any) -> int:
    return int(row.moved + row.copied + row.flagged + row.discarded)


def _messages_undone(row: Any) -> int:
    return int(row.undone.moved_back + row.undone.copies_removed + row.undone.skipped)


def _row(row: Any) -> list[object]:
    counts = [getattr(row, name) for name in (*_COUNTS[:5], "failed")]
    return [row.id, moment(row.begun_at), printable(row.mailbox), printable(row.script) or "-", row.state, *counts]


def _values(row: Any) -> Mapping[str, object]:
    return {
        **{name: getattr(row, name) for name in ("id", "mailbox", "script", "state", "reason", "total")},
        **{name: getattr(row, name) for name in _COUNTS},
        "begun_at": row.begun_at,
        "ended_at": row.ended_at,
        "left_out": dict(sorted(row.left_out.items())),
        "errors": [{"uid": error.uid, "line": error.line, "text": error.text} for error in row.errors],
        "filed": {filed.mailbox: filed.messages for filed in row.filed},
        "undone": {name: getattr(row.undone, name) for name in _UNDONE},
    }
