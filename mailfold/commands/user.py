"""`mailfold user …`"""

from __future__ import annotations

import sys
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.commands.passwords import asked_twice, from_standard_input
from mailfold.commands.user_fields import set_field, show_fields
from mailfold.commands.user_send_as import may_send_as
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Users: people with one password for all their accounts.")
_FIELDS = ("name", "disabled", "accounts", "id")
_SHOWN = ("name", "display_name", "language", "time_zone", "disabled", "accounts", "groups", "id")
Name = Annotated[str, Argument("The user's name.")]
PasswordStdin = Annotated[
    bool, Option("--password-stdin", help="Read the password from standard input instead of asking.")
]


@app.command()
def add(name: Name, password_stdin: PasswordStdin = False, data: Data = DATA, json: Json = False) -> None:
    """Add a user; asks for the password."""
    password = _password(from_stdin=password_stdin)
    show(call(data, "AddUser", lambda pb: pb.AddUserRequest(name=name, password=password)), _FIELDS, json=json)


@app.command("list")
def list_all(data: Data = DATA, json: Json = False) -> None:
    """List all users."""
    listed = call(data, "ListUsers", lambda pb: pb.ListRequest()).users
    show_all(listed, _FIELDS, json=json, empty="there is no user yet: `mailfold user add ann`")


@app.command("show")
def show_named(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Show one user."""
    show(call(data, "ShowUser", lambda pb: pb.NameRequest(name=name)), _SHOWN, json=json)


@app.command("set")
def set_profile(
    name: Name,
    display_name: Annotated[str | None, Option("--display-name", help="The name that other people read.")] = None,
    language: Annotated[str | None, Option("--language", help="A language tag, such as de or pt-BR.")] = None,
    time_zone: Annotated[str | None, Option("--time-zone", help="A name such as Europe/Berlin or UTC.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Set what is known about a user; an empty text takes a value away."""
    changed = call(
        data,
        "SetProfile",
        lambda pb: pb.SetProfileRequest(user=name, display_name=display_name, language=language, time_zone=time_zone),
        contract="Groups",
    )
    show(changed, _SHOWN, json=json)


@app.command()
def password(name: Name, password_stdin: PasswordStdin = False, data: Data = DATA, json: Json = False) -> None:
    """Set a new password, which is valid for all accounts of the user."""
    new = _password(from_stdin=password_stdin)
    show(call(data, "ChangeUser", lambda pb: pb.ChangeUserRequest(name=name, password=new)), _FIELDS, json=json)


@app.command()
def disable(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Disable a user: log-ins are refused; nothing is lost."""
    show(call(data, "ChangeUser", lambda pb: pb.ChangeUserRequest(name=name, disabled=True)), _FIELDS, json=json)


@app.command()
def enable(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Enable a user again."""
    show(call(data, "ChangeUser", lambda pb: pb.ChangeUserRequest(name=name, disabled=False)), _FIELDS, json=json)


@app.command()
def remove(name: Name, data: Data = DATA, json: Json = False) -> None:
    """Remove a user who owns no account."""
    show_removed(call(data, "RemoveUser", lambda pb: pb.NameRequest(name=name)).name, json=json)


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return from_standard_input()
    if not sys.stdin.isatty():
        raise CommandFailed(
            "there is no terminal to ask for the password at; give it on standard input with --password-stdin", UNUSABLE
        )
    return asked_twice()


app.command("field")(set_field)
app.command("fields")(show_fields)
app.command("may-send-as")(may_send_as)
