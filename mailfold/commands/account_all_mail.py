"""`mailfold account all-mail`: whether an account is to have an All Mail mailbox."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json
from mailfold.commands.directory import call, show

_FIELDS = ("address", "own", "domain", "server", "chosen")


def all_mail(
    address: Annotated[str, Argument("The address of the account.")],
    value: Annotated[str, Argument("on; off; or default: what its domain or the server says. Empty shows it.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show or set whether an account is to have an All Mail mailbox, which shows the mail of its other mailboxes."""
    if value:
        shown = call(
            data, "SetAllMail", lambda pb: pb.SetAllMailRequest(account=address, value=value), contract="AllMail"
        )
    else:
        shown = call(data, "ShowAllMail", lambda pb: pb.ShowAllMailRequest(account=address), contract="AllMail")
    show(shown, _FIELDS, json=json)
