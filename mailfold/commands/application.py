"""`mailfold application …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all
from mailfold.commands.limits import Messages, Quota, Size, octets, quota_of
from mailfold.commands.removal import remove
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Applications: programs that send mail as name.app@domain, with a password of their own.")
_CONTRACT = "Credentials"
_LIMITS = ("quota_bytes", "quota_messages", "max_message_size")
_FIELDS = ("address", "receives", "disabled", "mails_an_hour", *_LIMITS, "id")
_MOST_MAILS = 1_000_000
_MADE = ("address", "password", "receives", "mails_an_hour", "id")
Address = Annotated[str, Argument("Its address, such as shop.app@example.org.")]
Limit = Annotated[
    int, Option("--limit", minimum=0, maximum=_MOST_MAILS, help="Mails that it may submit in an hour; 0: no limit.")
]
Off = Annotated[bool, Option("--off", help="It only sends from now on.")]


@app.command()
def add(
    address: Address,
    receives: Annotated[bool, Option("--receives", help="It also gets mail and may read it over IMAP.")] = False,
    limit: Annotated[
        int, Option("--limit", minimum=0, maximum=_MOST_MAILS, help="Mails that it may submit in an hour; 0: no limit.")
    ] = 0,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Add an application, which only sends. Its password is shown this once."""
    added = call(
        data,
        "AddApplication",
        lambda pb: pb.AddApplicationRequest(address=address, receives=receives, mails_an_hour=limit),
        _CONTRACT,
    )
    show(added, _MADE, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all applications."""
    listed = call(data, "ListApplications", lambda pb: pb.ApplicationsRequest(), _CONTRACT).applications
    empty = "there is no application yet: `mailfold application add shop.app@example.org`"
    show_all(listed, _FIELDS, json=json, empty=empty)


@app.command("show")
def show_named(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Show one application."""
    show(call(data, "ShowApplication", lambda pb: pb.ApplicationRequest(name=address), _CONTRACT), _FIELDS, json=json)


@app.command()
def rename(
    address: Address,
    new: Annotated[str, Argument("Its new address.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give an application another address; its password and its mail stay."""
    renamed = call(
        data, "RenameApplication", lambda pb: pb.RenameApplicationRequest(name=address, address=new), _CONTRACT
    )
    show(renamed, _FIELDS, json=json)


@app.command()
def password(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Make a new password, shown this once; sessions that were opened with the old one end at once."""
    made = call(data, "RenewApplicationPassword", lambda pb: pb.ApplicationRequest(name=address), _CONTRACT)
    show(made, _MADE, json=json)


@app.command()
def limit(
    address: Address,
    mails_an_hour: Annotated[int, Argument("Mails that it may submit in an hour; 0: no limit.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Limit what an application submits; the limit holds from its next log-in on."""
    if not 0 <= mails_an_hour <= _MOST_MAILS:
        raise CommandFailed(f"the limit is 0 to {_MOST_MAILS} mails an hour; 0 is no limit", UNUSABLE)
    _change(data, address, json=json, mails_an_hour=mails_an_hour)


@app.command()
def quota(address: Address, size: Quota = "", messages: Messages = "", data: Data = DATA, json: Json = False) -> None:
    """Set what an application that receives may hold: octets, messages or both."""
    _change(data, address, json=json, **quota_of(size, messages))


@app.command("size")
def message_size(address: Address, size: Size, data: Data = DATA, json: Json = False) -> None:
    """Set the largest message to or from an application; the limits of its domain and of the server count as well."""
    _change(data, address, json=json, max_message_size=octets(size))


@app.command()
def receives(address: Address, off: Off = False, data: Data = DATA, json: Json = False) -> None:
    """Let an application get mail and read it, or only send."""
    _change(data, address, json=json, receives=not off)


@app.command()
def disable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Disable an application: log-ins and mail to it are refused, and its sessions end at once."""
    _change(data, address, json=json, disabled=True)


@app.command()
def enable(address: Address, data: Data = DATA, json: Json = False) -> None:
    """Enable an application again."""
    _change(data, address, json=json, disabled=False)


app.commands["remove"] = remove


@app.command()
def restore(
    archive: Annotated[str, Argument("The id of its archive, or the address that it had.")],
    address: Annotated[str, Option("--address", help="Its address; without it the former one.")] = "",
    limit: Limit = 0,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make the archive of a removed application an application again, with its mail and a new password."""
    values = {"archive": archive, "address": address, "mails_an_hour": limit}
    restored = call(data, "RestoreApplication", lambda pb: pb.RestoreApplicationRequest(**values), _CONTRACT)
    show(restored, _MADE, json=json)


def _change(data: Path, address: str, *, json: bool, **values: Any) -> None:
    changed = call(data, "ChangeApplication", lambda pb: pb.ChangeApplicationRequest(name=address, **values), _CONTRACT)
    show(changed, _FIELDS, json=json)
