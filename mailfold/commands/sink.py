"""`mailfold sink …`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Group, Json, Option
from mailfold.operator.failure import UNUSABLE, CommandFailed

app = Group(
    "A catch-all SMTP server for trials: it takes mail for everybody, sends none on, and keeps it in a Maildir. "
    "Without a further word it serves until Ctrl-C."
)
Folder = Annotated[
    Path | None, Option("--maildir", help="The Maildir; without it the folder `sink` in the data folder.")
]


def serve(
    port: Annotated[int, Option("--port", help="The port.", minimum=0, maximum=65535)] = 2525,
    bind: Annotated[str, Option("--bind", help="The address.")] = "127.0.0.1",
    maildir: Folder = None,
    max_size: Annotated[int, Option("--max-size", help="MiB of a mail at most.", minimum=1, maximum=1024)] = 32,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Take mail for everybody and keep it until Ctrl-C. With --json the address is printed as JSON."""
    from mailfold.commands.printing import as_json
    from mailfold.sink.limits import SinkLimits
    from mailfold.sink.maildir import SinkMaildir
    from mailfold.sink.run import run

    limits = SinkLimits(message_octets=max_size * 1024 * 1024, at_once_octets=4 * max_size * 1024 * 1024)
    folder = _folder(data, maildir)

    def serving(bound: int) -> None:
        if json:
            as_json({"address": bind, "port": bound, "maildir": str(folder)})
        else:
            print(f"the sink takes all mail at {bind} port {bound} into {folder}; Ctrl-C stops it")
        sys.stdout.flush()

    try:
        run(SinkMaildir(folder), bind, port, limits, serving)
    except OSError as error:
        raise CommandFailed(f"the sink cannot serve {bind} port {port} from {folder}: {error}", UNUSABLE) from error


app.alone = serve


@app.command("list")
def list_all(
    limit: Annotated[int, Option("--limit", help="Number of newest mails.", minimum=1, maximum=10_000)] = 100,
    maildir: Folder = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """List the mails that the sink has kept, oldest first."""
    import msgspec

    from mailfold.commands.printing import as_json, table
    from mailfold.sink.maildir import SinkMaildir
    from mailfold.texts import moment

    mails = SinkMaildir(_folder(data, maildir)).newest(limit)
    if json:
        as_json(msgspec.to_builtins(mails))
        return
    rows = [
        (mail.name, moment(mail.at)[:19], mail.sender or "<>", mail.recipients, mail.size, mail.subject)
        for mail in mails
    ]
    table(("name", "kept", "from", "to", "size", "subject"), rows, "the sink has kept no mail")


@app.command()
def show(
    name: Annotated[str, Argument("The mail's name, from `mailfold sink list`.")],
    raw: Annotated[bool, Option("--raw", help="Write the octets as they were sent, for a file or a pipe.")] = False,
    maildir: Folder = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show a mail as it was sent, with its envelope in front."""
    from mailfold.commands.printing import as_json
    from mailfold.sink.maildir import SinkMaildir
    from mailfold.texts import printable

    try:
        octets = SinkMaildir(_folder(data, maildir)).read(name)
    except FileNotFoundError:
        raise CommandFailed(f"there is no mail {name} in the sink; `mailfold sink list` lists them") from None
    text = octets.decode("utf-8", "replace").replace("\r\n", "\n")
    if raw:
        sys.stdout.buffer.write(octets)
    elif json:
        as_json({"name": name, "size": len(octets), "text": text})
    else:
        print(printable(text, keep_lines=True), end="")


def _folder(data: Path, maildir: Path | None) -> Path:
    """The Maildir. Root becomes the owner of the data folder, whose files it must stay able to read."""
    from mailfold.operator.identity import CannotBecome, act_as_owner
    from shared.places import Places

    if maildir is not None:
        return maildir
    try:
        act_as_owner(data)
    except CannotBecome as error:
        raise CommandFailed(str(error), UNUSABLE) from error
    return Places(data).sink
