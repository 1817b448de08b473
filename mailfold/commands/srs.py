"""`mailfold srs …`"""

from __future__ import annotations

from typing import Annotated, Any

from mailfold.arguments import DATA, Data, Group, Json, Option
from mailfold.commands.directory import call, show_all

app = Group("The secrets of return paths: of forwarded mail (SRS), and of the members of lists.")
_CONTRACT = "ReturnPaths"
_FIELDS = ("id", "current", "since_at", "valid_until_at")
_EMPTY = "there is no secret yet: it is made when it is needed for the first time"


@app.command()
def show(data: Data = DATA, json: Json = False) -> None:
    """Show the ids of the secrets: the current one, and the earlier ones whose return paths are still accepted."""
    _print(call(data, "ShowSecrets", lambda pb: pb.ReturnPathRequest(), _CONTRACT), json=json)


@app.command()
def rotate(
    forget: Annotated[
        bool,
        Option("--forget", help="Refuse what the earlier secrets wrote, within five minutes."),
    ] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make a new secret. Return paths of the earlier ones stay valid for their age, unless they are forgotten."""
    reply = call(data, "RotateSecret", lambda pb: pb.RotateReturnPathRequest(forget=forget), _CONTRACT)
    _print(reply, json=json)


def _print(reply: Any, *, json: bool) -> None:
    show_all(reply.secrets, _FIELDS, json=json, empty=_EMPTY)
