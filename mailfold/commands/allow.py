"""`mailfold allow …`"""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json
from mailfold.commands import sender_lists
from mailfold.commands.sender_lists import Account, File

app = Group("Allowed senders: their mail is not filed as spam, unless it is forged.")
Patterns = Annotated[
    list[str], Argument("Addresses (bob@x.example), domains (x.example, *.x.example), or names with `*` and `?`.")
]


@app.command()
def add(patterns: Patterns, account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Put patterns on the list."""
    sender_lists.add("allow", patterns, account, data, json=json)


@app.command()
def remove(patterns: Patterns, account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Remove patterns from the list."""
    sender_lists.remove("allow", patterns, account, data, json=json)


@app.command("list")
def list_all(account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Show the list."""
    sender_lists.show_list("allow", account, data, json=json)


@app.command("import")
def import_file(file: File, account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Put every pattern of a text file on the list. When a line is no pattern, nothing is added."""
    sender_lists.import_file("allow", file, account, data, json=json)


@app.command()
def export(account: Account = "", data: Data = DATA, json: Json = False) -> None:
    """Write the list as text, with a pattern in each line."""
    sender_lists.export("allow", account, data, json=json)
