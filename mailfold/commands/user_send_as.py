"""`mailfold user may-send-as`: the right of a user to send as an account of another user."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import call, show
from mailfold.operator.failure import UNUSABLE, CommandFailed

_FIELDS = ("user", "accounts")


def may_send_as(
    name: Annotated[str, Argument("The user's name.")],
    address: Annotated[str, Argument("An account of another user; without it the rights are shown.")] = "",
    revoke: Annotated[bool, Option("--revoke", help="The user may not any more.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Let a user send as an account of another user, or show as which accounts the user may.

    The right ends when the user or the account is removed, and rests while the owner of the account is disabled.
    """
    if revoke and not address:
        raise CommandFailed("which account? Give its address", UNUSABLE)
    if not address:
        shown = call(data, "ListSendAs", lambda pb: pb.ListSendAsRequest(user=name), contract="SendAs")
        show(shown, _FIELDS, json=json)
        return
    method = "RevokeSendAs" if revoke else "GrantSendAs"
    changed = call(data, method, lambda pb: pb.SendAsRequest(user=name, address=address), contract="SendAs")
    show(changed, _FIELDS, json=json)
