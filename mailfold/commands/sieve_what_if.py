"""`mailfold sieve what-if`: which mail of the last days a Sieve script would have put elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Option
from mailfold.operator.failure import REFUSED
from mailfold.operator.scripts import ScriptFile, read_script

if TYPE_CHECKING:
    from mailfold.operator.account_trial import WindowTrial
    from mailfold.operator.session import Session

_DAY = 86_400_000_000


def what_if(
    account: Annotated[str, Argument("The address of the account.")],
    script: ScriptFile,
    days: Annotated[int, Option("--days", minimum=1, maximum=3650, help="The mail of so many days.")] = 30,
    limit: Annotated[
        int, Option("--limit", minimum=0, maximum=10_000, help="Mails that are named; all are counted.")
    ] = 100,
    compare_active: Annotated[
        bool,
        Option(
            "--compare-active", help="Compare with what the scripts of today would do, not with what was done then."
        ),
    ] = False,
    data: Data = DATA,
    json: Annotated[bool, Option("--json", help="Print one JSON document per line.")] = False,
) -> None:
    """Name the mail of the last days that would have gone elsewhere with a script; nothing is done.

    The script runs over each mail with the mail's own envelope and verdict, between the scripts of the server. "Now" is
    the time at which the mail came. Duplicates and vacation responses count within these days only. The mail is
    compared with where it was put then, not with where it is now.
    """
    from mailfold.commands.sieve_what_if_printing import print_what_if
    from mailfold.operator.account_trial import WindowTrial
    from mailfold.operator.session import converse

    source = read_script(script)
    window = WindowTrial(account, days, limit, compare_active)
    parts = converse(data, lambda session: _parts(session, (Path(script).name, source), window))
    print_what_if(source, parts, json=json)
    if parts[-1].errors or parts[-1].ended:
        raise SystemExit(REFUSED)


async def _parts(session: Session, script: tuple[str, bytes], window: WindowTrial) -> list[Any]:
    """All parts, while a bar shows how many of the days are examined.

    Nothing is printed meanwhile, because a bar on standard error takes what is printed.
    """
    from mailfold.commands.progress import shown_progress
    from mailfold.operator.account_trial import what_if_parts

    parts: list[Any] = []
    with shown_progress() as progress:
        async for part in what_if_parts(session, script, window):
            progress("days", (part.read_to - part.since) // _DAY, (part.until - part.since) // _DAY)
            parts.append(part)
    return parts
