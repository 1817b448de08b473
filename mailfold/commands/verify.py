"""`mailfold verify` and `mailfold rebuild`: check all tables against the events, and that every blob is whole."""

from __future__ import annotations

from typing import Annotated

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.operator.failure import CommandFailed

Mend = Annotated[bool, Option("--mend", help="Correct rows, and move damaged blobs to blobs/quarantine.")]


def verify(mend: Mend = False, data: Data = DATA, json: Json = False) -> None:
    """Check every row against the events, and read every blob; works with a running server and without.

    Exit code 1 when something differs.
    """
    import msgspec

    from mailfold.commands.printing import as_json
    from mailfold.commands.progress import shown_progress
    from mailfold.commands.verify_printing import print_verification, verify_all
    from mailfold.operator.session import converse

    with shown_progress() as progress:
        verification = converse(data, lambda session: verify_all(session, progress, mend=mend))
    if json:
        as_json({"equal": verification.equal, **msgspec.to_builtins(verification)})
    else:
        print_verification(verification)
    if not verification.equal:
        raise SystemExit(1)


def rebuild(
    services: Annotated[list[str] | None, Argument("Services; none: all.")] = None,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Compute the tables of services from their events anew, and correct every row that differs."""
    from mailfold.commands.printing import as_json, table
    from mailfold.commands.progress import shown_progress
    from mailfold.commands.verify_printing import rebuild_all
    from mailfold.layouts import OWNERS
    from mailfold.operator.session import converse

    chosen = services or list(OWNERS)
    unknown = [service for service in chosen if service not in OWNERS]
    if unknown:
        raise CommandFailed(f"{unknown[0]} owns no events; these services do: {', '.join(OWNERS)}", 2)
    with shown_progress() as progress:
        counts = converse(data, lambda session: rebuild_all(session, chosen, progress))
    as_json(counts) if json else table(("service", "events"), list(counts.items()))
