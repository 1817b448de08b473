"""`mailfold app-password …`"""

from __future__ import annotations

from time import time_ns
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.commands.directory import call, show, show_all, show_removed
from mailfold.texts import until as parse_until

app = Group("App passwords: further passwords of a user, each for one device and some protocols.")
_CONTRACT = "Credentials"
_FIELDS = ("name", "scopes", "networks", "expires_at", "expired", "last_used_at", "last_used_from", "added_at", "id")
_MADE = ("name", "password", "scopes", "networks", "expires_at", "id")
User = Annotated[str, Argument("The user's name.")]


@app.command()
def add(
    user: User,
    name: Annotated[str, Option("--name", help="What it is for, such as Phone.")],
    scope: Annotated[str, Option("--scope", help="What it opens: some of imap,smtp,pop,sieve,api.")],
    until: Annotated[str, Option("--until", help="It expires then: 90d, 12h, or 2026-12-24T18:00 (UTC).")] = "",
    network: Annotated[str, Option("--network", help="Only from there: 192.0.2.0/24,2001:db8::/32.")] = "",
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Make an app password. It is shown this once; it opens mail, and changes no passwords or aliases."""
    expires_at = parse_until(until, time_ns() // 1000) if until else 0
    added = call(
        data,
        "AddAppPassword",
        lambda pb: pb.AddAppPasswordRequest(
            user=user, name=name, scopes=_words(scope), networks=_words(network), expires_at=expires_at
        ),
        _CONTRACT,
    )
    show(added, _MADE, json=json)


@app.command("list")
def list_of_user(user: User, data: Data = DATA, json: Json = False) -> None:
    """List the app passwords of a user, without the passwords themselves; last use is known to the hour."""
    listed = call(data, "ListAppPasswords", lambda pb: pb.AppPasswordsRequest(user=user), _CONTRACT).app_passwords
    show_all(listed, _FIELDS, json=json, empty=f"{user} has no app password")


@app.command()
def remove(
    user: User,
    name: Annotated[str, Argument("Its name or id.")],
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Remove an app password; sessions that were opened with it end at once."""
    removed = call(data, "RemoveAppPassword", lambda pb: pb.RemoveAppPasswordRequest(user=user, name=name), _CONTRACT)
    show_removed(removed.name, json=json)


def _words(text: str) -> list[str]:
    return [word for word in text.replace(",", " ").split() if word]
