"""`mailfold account pop3`: whether an account may be read with POP3."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json
from mailfold.commands.directory import call, show

_FIELDS = ("address", "own", "domain", "server", "chosen")


def pop3(
    address: Annotated[str, Argument("The address of the account.")],
    value: Annotated[str, Argument("on; off; or default: what its domain or the server says. Empty shows it.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show or set whether an account may be read with POP3. The ports are opened by the setting pop3.listen."""
    if value:
        shown = call(data, "SetPop3", lambda pb: pb.SetPop3Request(account=address, value=value), contract="Protocols")
    else:
        shown = call(data, "ShowPop3", lambda pb: pb.ShowPop3Request(account=address), contract="Protocols")
    show(shown, _FIELDS, json=json)
