"""`mailfold archive …`"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all
from mailfold.commands.printing import as_json, record, table
from mailfold.commands.removal import CONTRACT, Yes, confirm, show_removal
from mailfold.operator.failure import CommandFailed
from mailfold.texts import moment

if TYPE_CHECKING:
    from mailfold.operator.archived_mail import ArchivedMail
    from mailfold.operator.session import Session

T = TypeVar("T")
app = Group("Archives: the mail of removed accounts.")
_FIELDS = ("id", "address", "user", "archived_at", "reserved_until", "quota_bytes")
Archive = Annotated[str, Argument("Its id, or the address that the account had.")]
_ERASURE = ("account", "deleted_at", "completed_at", "service", "state", "looked_at", "erased_in")
_COLUMNS = ("mailbox", "uid", "date", "from", "subject")


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all archives."""
    page = _page(data, "")
    archives = list(page.archives)
    while page.next:
        page = _page(data, page.next)
        archives += page.archives
    show_all(archives, _FIELDS, json=json, empty="there is no archive: `mailfold account remove ADDRESS --archive`")


@app.command("show")
def show_named(archive: Archive, data: Data = DATA, json: Json = False) -> None:
    """Show an archive, its mailboxes and what still names its address."""
    shown = call(data, "ShowArchive", lambda pb: pb.ArchiveRequest(archive=archive), CONTRACT)

    async def ask(mail: ArchivedMail) -> list[Any]:
        return await mail.mailboxes()

    mailboxes = _reading(data, shown.id, ask)
    values: dict[str, object] = {field: getattr(shown, field) for field in _FIELDS}
    values |= {"aliases": list(shown.references.aliases), "catch_alls": list(shown.references.catch_alls)}
    counted = {mailbox.name: mailbox.messages for mailbox in mailboxes}
    values |= {"messages": sum(counted.values()), "octets": sum(mailbox.size for mailbox in mailboxes)}
    if json:
        as_json(values | {"mailboxes": counted})
        return
    times = {name: moment(getattr(shown, name)) for name in ("archived_at", "reserved_until")}
    record(values | times | {"mailboxes": [f"{name} ({count})" for name, count in counted.items()]})


@app.command("open")
def open_archive(
    archive: Archive,
    mailbox: Annotated[str, Option("--mailbox", help="The mailbox to look into.")] = "INBOX",
    uid: Annotated[int, Option("--uid", help="Print the message with this UID.", minimum=1)] = 0,
    limit: Annotated[
        int, Option("--limit", help="List so many messages, the newest.", minimum=1, maximum=10_000)
    ] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the newest messages of a mailbox, or print one message. Nothing is changed; that you read it is an event."""
    from mailfold.operator.archive_reading import message_of, newest_of

    identity = _opened(data, archive, "show")
    if uid:
        _print_octets(_reading(data, identity, lambda mail: message_of(mail, mailbox, uid)))
        return
    _show_messages(_reading(data, identity, lambda mail: newest_of(mail, mailbox, limit)), json=json)


@app.command()
def search(
    archive: Archive,
    text: Annotated[str, Argument("A text in the header or the body; upper and lower case are the same.")],
    field: Annotated[str, Option("--field", help="Search only this field of the header, such as Subject.")] = "",
    limit: Annotated[int, Option("--limit", help="List so many messages.", minimum=1, maximum=10_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Search all messages of an archive. That you search it is an event."""
    from mailfold.operator.archive_reading import matches_in

    identity = _opened(data, archive, "search")
    _show_messages(_reading(data, identity, lambda mail: matches_in(mail, text, field, limit)), json=json)


@app.command()
def export(
    archive: Archive,
    path: Annotated[Path, Argument("The file (eml) or folder (mbox, maildir) to write; it must not exist.")],
    format: Annotated[
        Literal["mbox", "maildir", "eml"],
        Option("--format", help="mbox files, a Maildir, or a tar file of .eml files."),
    ] = "mbox",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Export all messages of an archive. That you export it is an event."""
    from mailfold.commands.progress import shown_progress
    from mailfold.operator.archive_reading import exported
    from mailfold.operator.mail_export import Destination

    path = path.absolute()
    destination = Destination(path)
    identity = _opened(data, archive, "export")
    with shown_progress() as progress:
        count = _reading(data, identity, lambda mail: exported(mail, format, destination, progress))
    as_json({"messages": count, "path": str(path)}) if json else print(f"{count} messages are in {path}")


@app.command()
def restore(
    archive: Archive,
    address: Annotated[str, Option("--address", help="The address of the account; without it the former one.")] = "",
    user: Annotated[str, Option("--user", help="Who owns it; without it the former user.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make an archive an account again, with all its mail."""
    restored = call(
        data,
        "RestoreArchive",
        lambda pb: pb.RestoreArchiveRequest(archive=archive, address=address, user=user),
        CONTRACT,
    )
    show(restored, ("address", "user", "quota_bytes", "id"), json=json)


@app.command()
def delete(archive: Archive, yes: Yes = False, data: Data = DATA, json: Json = False) -> None:
    """Delete an archive and its mail for good."""
    if not yes:
        confirm(f"the mail of the archive {archive} is deleted for good")
    removed = call(data, "DeleteArchive", lambda pb: pb.ArchiveRequest(archive=archive), CONTRACT)
    show_removal(data, removed, json=json)


@app.command()
def erasures(
    limit: Annotated[int, Option("--limit", help="List so many of them.", minimum=1, maximum=1_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the erasures of deleted accounts: the open ones, then those that ended last."""
    reply = call(data, "ListErasures", lambda pb: pb.ListErasuresRequest(limit=limit), "Erasures")
    if json:
        as_json({"open": reply.open, "erasures": [_erasure(erasure) for erasure in reply.erasures]})
        return
    rows = [[*_erasure(erasure, for_people=True).values()] for erasure in reply.erasures]
    table(_ERASURE, rows, "no account was deleted")


def _erasure(erasure: Any, *, for_people: bool = False) -> dict[str, object]:
    """An erasure, with the step at which it is and the services that are done."""
    state = erasure.waiting or (f"{erasure.service}: {erasure.step}" if erasure.service else "done")
    times = erasure.at, erasure.completed_at
    shown = [moment(at) for at in times] if for_people else times
    services = ", ".join(erasure.services) if for_people else list(erasure.services)
    return dict(zip(_ERASURE, (erasure.account, *shown, erasure.service, state, erasure.done, services), strict=True))


def _page(data: Path, after: str) -> Any:
    return call(data, "ListArchives", lambda pb: pb.ListArchivesRequest(after=after), CONTRACT)


def _opened(data: Path, archive: str, purpose: str) -> str:
    """The id of an archive; that it is opened becomes an event."""
    request = {"archive": archive, "purpose": purpose}
    return str(call(data, "OpenArchive", lambda pb: pb.OpenArchiveRequest(**request), CONTRACT).id)


def _reading(data: Path, account: str, ask: Callable[[ArchivedMail], Awaitable[T]]) -> T:
    from mailfold.operator.session import converse

    async def read(session: Session) -> T:
        from mailfold.operator.archive_reading import opened_mail

        async with opened_mail(session, account) as mail:
            return await ask(mail)

    return converse(data, read)


def _show_messages(messages: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        as_json(messages)
    else:
        table(_COLUMNS, [[message[name] for name in _COLUMNS] for message in messages], "there is no such message")


def _print_octets(octets: bytes | None) -> None:
    import sys

    if octets is None:
        raise CommandFailed("there is no such message")
    sys.stdout.flush()
    sys.stdout.buffer.write(octets)
