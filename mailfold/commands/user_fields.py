"""`mailfold user field` and `mailfold user fields`: what a mail signature may say about a user."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json
from mailfold.commands.directory import call, show

_FIELDS = ("user", "fields")
_Name = Annotated[str, Argument("The user's name.")]


def set_field(
    name: _Name,
    field: Annotated[str, Argument("A lower-case word such as phone; `name` is what others see.", metavar="FIELD")],
    value: Annotated[str, Argument("Its text; empty takes the field away.", metavar="TEXT")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Give a user a field, which mail signatures name as a placeholder."""
    changed = call(
        data,
        "SetUserField",
        lambda pb: pb.SetUserFieldRequest(user=name, name=field, value=value),
        contract="Signatures",
    )
    show(changed, _FIELDS, json=json)


def show_fields(name: _Name, data: Data = DATA, json: Json = False) -> None:
    """Show the fields of a user."""
    shown = call(data, "ShowUserFields", lambda pb: pb.ShowUserFieldsRequest(user=name), contract="Signatures")
    show(shown, _FIELDS, json=json)
