"""`mailfold secrets …`"""

from __future__ import annotations

from typing import Any

from mailfold.arguments import DATA, Data, Group, Json
from mailfold.commands.directory import call
from mailfold.commands.printing import as_json, table
from mailfold.operator.failure import REFUSED

app = Group("The keys with which private keys and passwords are encrypted in the databases.")
_FIELDS = ("id", "seals", "present", "secrets")


@app.command()
def show(data: Data = DATA, json: Json = False) -> None:
    """Show the ids of the keys, and how many secrets each has encrypted."""
    _print(call(data, "ShowSecretKeys", lambda pb: pb.ListRequest()), json=json)


@app.command()
def rekey(data: Data = DATA, json: Json = False) -> None:
    """Make a new key and encrypt every secret with it; the old keys stay until `mailfold secrets drop`.

    Exit code 1: a secret could not be decrypted, and stays as it is.
    """
    reply = call(data, "RekeySecrets", lambda pb: pb.ListRequest())
    _print(reply, json=json)
    if reply.unreadable:
        raise SystemExit(REFUSED)


@app.command()
def drop(data: Data = DATA, json: Json = False) -> None:
    """Remove the keys that encrypt nothing any more from the file."""
    _print(call(data, "DropSecretKeys", lambda pb: pb.ListRequest()), json=json)


def _print(reply: Any, *, json: bool) -> None:
    rows = [[getattr(key, field) for field in _FIELDS] for key in reply.keys]
    if json:
        keys = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
        as_json({"source": reply.source, "keys": keys, "unreadable": list(reply.unreadable)})
        return
    print(f"{reply.source}\n")
    table(("key", "encrypts", "present", "secrets"), rows, "there is no key yet: it is made with the first secret")
    for secret in reply.unreadable:
        print(f"\ncannot be decrypted: {secret}")
