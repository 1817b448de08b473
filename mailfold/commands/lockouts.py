"""`mailfold lockouts …`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Data, Group, Json, Option
from mailfold.commands.directory import call, show_all
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group("Lockouts: log-ins that are refused without a check, because there were too many wrong passwords.")
_CONTRACT = "Lockouts"
_FIELDS = ("kind", "account", "network", "reason", "began_at", "ends_at")
_NOTHING = "no log-in is refused without a check"
_PAGE = 1_000
Account = Annotated[str, Option("--account", help="Only those at this account.")]
Address = Annotated[str, Option("--address", help="Only those of the network of this address.")]


@app.command("list")
def list_all(
    account: Account = "",
    address: Address = "",
    limit: Annotated[int, Option("--limit", help="Number of lockouts.", minimum=1, maximum=100_000)] = 100,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the lockouts in force, the last one first.

    A client is a network at one account; a network is refused at all accounts that do not know it; an account is closed
    to networks that are new to it. App passwords, and the password that was right from there lately, are not refused.
    """
    listed: list[Any] = []
    total = 1
    while len(listed) < min(limit, total):
        page = _page(data, account, address, len(listed), limit - len(listed))
        total = page.total if page.lockouts else len(listed)  # some may have ended meanwhile
        listed += page.lockouts
    show_all(listed, _FIELDS, json=json, empty=_NOTHING)
    if total > len(listed) and not json:
        print(f"these are {len(listed)} of {total}, see --limit", file=sys.stderr)


@app.command()
def lift(
    account: Account = "",
    address: Address = "",
    all_of_them: Annotated[bool, Option("--all", help="All of them, when no filter is given.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """End lockouts at once, and forget the wrong passwords that led to them."""
    if not (account or address or all_of_them):
        raise CommandFailed("which lockouts? Give --account, --address or --all", UNUSABLE)
    lifted = call(
        data,
        "LiftLockouts",
        lambda pb: pb.LiftLockoutsRequest(account=account, address=address, all=all_of_them),
        _CONTRACT,
    )
    show_all(lifted.lockouts, _FIELDS, json=json, empty="nothing was lifted: " + _NOTHING)


def _page(data: Path, account: str, address: str, offset: int, limit: int) -> Any:
    def request(pb: Any) -> Any:
        return pb.ListLockoutsRequest(account=account, address=address, offset=offset, limit=min(_PAGE, limit))

    return call(data, "ListLockouts", request, _CONTRACT)
